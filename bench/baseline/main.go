// Command baseline is the least program that can serve Asterisk's realtime
// requests: net/http, prepared statements, and no checks at all. It is what dbsep
// is measured against, and nothing else: anyone who can reach it can run any SQL.
// It takes the drivers, the pools and the statements that dbsep has, so that what
// is left between the two is dbsep's own work.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	kind := flag.String("kind", "SQLite", "of database: SQLite, MariaDB or PostgreSQL; the variable FLOOR_DSN has its driver's own DSN")
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	updates := flag.Int("updates", 0, "instead of listening, update endpoints from so many goroutines: the bare driver")
	length := flag.Duration("for", time.Second, "how long to do that")
	flag.Parse()
	f, err := open(*kind, os.Getenv("FLOOR_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	if *updates > 0 {
		if err = f.update(context.Background(), os.Stdout, *updates, *length); err == nil {
			return
		}
	} else {
		err = http.ListenAndServe(*listen, f) // no limits: that is the point
	}
	log.Fatal(err)
}
