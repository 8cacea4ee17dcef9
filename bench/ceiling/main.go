// Command ceiling serves the requests of registrations from memory: what phones reach with
// it on a machine is more than any gateway can reach there. It is measured beside dbsep, and
// nothing else: it checks nothing, and keeps nothing.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	from := flag.String("from", "", "`URL` of a gateway that has the tables")
	flag.Parse()
	t, err := readTables(*from)
	if err != nil {
		log.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go t.serve(conn)
	}
}

// readTables reads the rows that registrations only read.
func readTables(gateway string) (*tables, error) {
	t := &tables{rows: map[string]map[string]string{}, contacts: map[string]map[string]string{}}
	for _, table := range []string{"ps_endpoints", "ps_auths", "ps_aors", "ps_domain_aliases"} {
		text, err := ask(gateway+"/"+table+"/multi", "id%20LIKE=%25")
		if err != nil {
			return nil, err
		}
		rows := map[string]string{}
		for row := range strings.Lines(text) {
			rows[id(row)] = row
		}
		t.rows[table] = rows
	}
	return t, nil
}

func ask(url, form string) (string, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(form))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// serve responds to the requests of a connection, one write for each.
func (t *tables) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		form, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		text := t.respond(r.URL.Path, r.URL.RawQuery, string(form))
		if _, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(text), text); err != nil {
			return
		}
	}
}
