package postgres_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"dbsep/internal/database/databasetest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

// cancelCode marks a CancelRequest (protocol-message-formats): 16 bytes, this code, and
// whom to cancel.
const (
	cancelBytes = 16
	cancelCode  = 80877102
)

// losingFirstCancel returns the port of a relay to the server that loses the first request
// to cancel a statement, as a server does to which it comes before the statement.
func losingFirstCancel(t *testing.T, server *pgtest.Server, cancels *atomic.Int32) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				var begin [8]byte
				if _, err := io.ReadFull(client, begin[:]); err != nil {
					return
				}
				isCancel := binary.BigEndian.Uint32(begin[:]) == cancelBytes && binary.BigEndian.Uint32(begin[4:]) == cancelCode
				if isCancel && cancels.Add(1) == 1 {
					return
				}
				to, err := net.Dial("tcp", net.JoinHostPort(server.Host, strconv.Itoa(server.Port)))
				if err != nil {
					return
				}
				defer to.Close()
				if _, err := to.Write(begin[:]); err != nil {
					return
				}
				go func() { _, _ = io.Copy(to, client); to.Close() }()
				_, _ = io.Copy(client, to)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestPostgresStatementEndsThoughARequestToCancelIsLost(t *testing.T) {
	server := pgtest.Start(t)
	source, beside := databasetest.NewPostgres(t)
	var cancels atomic.Int32
	source.DSN = fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d;sslmode=disable", databasetest.DatabaseOf(source), server.Host, losingFirstCancel(t, server, &cancels))
	db := databasetest.Open(t, source)
	running := databasetest.RunningPostgres(t, beside)
	asleep := func() bool { // and not yet at a statement of the login
		var n int
		if err := beside.QueryRow("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'").Scan(&n); err != nil {
			t.Error(err)
		}
		return n == 1
	}

	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- db.Query(ctx, sqlgen.Statement{SQL: "SELECT " + databasetest.WaitPostgres(600)}, func([][]byte) error { return nil })
	}()
	await(t, asleep)
	leave()
	if err := <-ended; err == nil {
		t.Error("the statement went on")
	}
	await(t, func() bool { return running() == 0 })
	if cancels.Load() < 2 {
		t.Errorf("%d requests to cancel", cancels.Load())
	}
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-t.Context().Done():
			t.FailNow()
		}
	}
}
