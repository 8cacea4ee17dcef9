package mysql_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/sqlgen"
)

// Statements that do not end by themselves. The server looks sometimes whether the client
// of the first is still there.
const (
	endless = "SELECT SLEEP(1000)"
	busy    = "SELECT BENCHMARK(1000000000000, 1 + 1)"
)

// abandoned is a statement that runs in a server until leave.
func abandoned(t *testing.T, db *database.DB, text string) (leave func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := databasetest.QueryText(ctx, db, text)
		result <- err
	}()
	return func() error {
		cancel()
		return <-result
	}
}

// wantRunning waits until so many of those statements run in a server.
func wantRunning(t *testing.T, server *mariadbtest.Server, want int) {
	t.Helper()
	for n := -1; n != want && t.Context().Err() == nil; {
		err := server.Root.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE (info LIKE 'SELECT SLEEP%' OR info LIKE 'SELECT BENCH%') AND id <> CONNECTION_ID()").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantIdle waits until no statement uses a connection, or has to be ended.
func wantIdle(t *testing.T, db *database.DB) {
	t.Helper()
	for t.Context().Err() == nil && db.Stats()[0].InUse > 0 {
		time.Sleep(time.Millisecond)
	}
}

// connectTo is a pool of one connection of the ordinary account of a pair.
func connectTo(t *testing.T, server *mariadbtest.Server) *sql.DB {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName, c.Logger = "tcp", server.Address(), "pbx", "p", "pbx", &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := databasetest.OpenDB(t, connector)
	db.SetMaxOpenConns(1)
	return db
}

// Statements are ended when others have taken all connections that the server has, too.
func TestMariaDBEndsStatementsWithoutRoomForAnotherConnection(t *testing.T) {
	p := newPair(t)
	p.first.Root.SetMaxOpenConns(1)
	p.first.Exec(t, "SET GLOBAL max_connections = 20")
	source := p.source("")
	source.DSN = fmt.Sprintf("DBI:mysql:database=pbx;host=127.0.0.1;port=%d", p.first.Port)
	db := databasetest.Open(t, source)
	for range 3 {
		var leave []func() error
		for range source.MaxConnections {
			leave = append(leave, abandoned(t, db, busy))
		}
		wantRunning(t, p.first, source.MaxConnections)
		var others []*sql.DB
		for full := false; !full; {
			other := connectTo(t, p.first)
			others = append(others, other)
			full = other.PingContext(t.Context()) != nil
		}
		for _, l := range leave {
			if err := l(); databasetest.CauseOf(err) != sqlgen.Canceled {
				t.Errorf("%v, %v", err, errors.Unwrap(err))
			}
		}
		wantRunning(t, p.first, 0)
		for _, other := range others {
			other.Close()
		}
	}
}

// A crossing leads each new connection to a server that is chosen by the number of
// connections before it. One that is numb does not notice that a client leaves.
type crossing struct{ net.Listener }

func newCrossing(t *testing.T, numb bool, choose func(before int64) *mariadbtest.Server) crossing {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for before := int64(0); ; before++ {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", choose(before).Address()) //nolint:noctx // ends with the client
			if err != nil {
				client.Close()
				continue
			}
			for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
				go func() {
					_, _ = io.Copy(to, from)
					if !numb || to == client {
						to.Close()
					}
				}()
			}
		}
	}()
	return crossing{l}
}

func (c crossing) source() database.Source {
	return database.Source{
		DSN:  fmt.Sprintf("DBI:mysql:database=pbx;host=127.0.0.1;port=%d", c.Addr().(*net.TCPAddr).Port),
		User: "pbx", Password: "p", MaxConnections: 1,
	}
}

// Behind a proxy the connection that ends statements may lead to another server, where
// the id of the session is somebody else's.
func TestMariaDBEndsNoStatementOfAnotherServer(t *testing.T) {
	p := newPair(t)
	for range 100 { // the ids of the second are behind those of the first
		other := connectTo(t, p.first)
		if err := other.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		other.Close()
	}
	var back atomic.Bool
	c := newCrossing(t, false, func(before int64) *mariadbtest.Server {
		if before > 0 && !back.Load() {
			return p.second
		}
		return p.first
	})
	db := databasetest.Open(t, c.source())
	var log bytes.Buffer
	db.SetLog(slog.New(slog.NewTextHandler(&log, nil)))
	id, err := databasetest.QueryText(t.Context(), db, "SELECT CONNECTION_ID()")
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	bystander := connectTo(t, p.second)
	for got := ""; got != id; {
		bystander.Close()
		bystander = connectTo(t, p.second)
		if err := bystander.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&got); err != nil {
			t.Fatal(err)
		}
	}
	result := make(chan error, 1)
	go func() {
		var slept int
		result <- bystander.QueryRowContext(t.Context(), "SELECT SLEEP(3)").Scan(&slept)
	}()
	leave := abandoned(t, db, endless)
	wantRunning(t, p.first, 1)
	wantRunning(t, p.second, 1)
	if err := leave(); databasetest.CauseOf(err) != sqlgen.Canceled {
		t.Errorf("%v, %v", err, errors.Unwrap(err))
	}
	wantIdle(t, db)
	if err := <-result; err != nil {
		t.Errorf("the statement of somebody else: %v", err)
	}
	wantRunning(t, p.first, 1)
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "another server") {
		t.Errorf("the log has %q", text)
	}

	back.Store(true)
	leave = abandoned(t, db, endless)
	wantRunning(t, p.first, 2)
	_ = leave()
	wantRunning(t, p.first, 1)
}

// One of the next connections leads to the right server again.
func TestMariaDBFindsTheServerOfAStatement(t *testing.T) {
	p := newPair(t)
	c := newCrossing(t, false, func(before int64) *mariadbtest.Server {
		if before > 0 && before < 4 {
			return p.second
		}
		return p.first
	})
	db := databasetest.Open(t, c.source())
	leave := abandoned(t, db, endless)
	wantRunning(t, p.first, 1)
	if err := leave(); databasetest.CauseOf(err) != sqlgen.Canceled {
		t.Errorf("%v, %v", err, errors.Unwrap(err))
	}
	wantRunning(t, p.first, 0)
}

// A session that nobody uses any more, but that a proxy keeps, keeps no place in the pool.
func TestMariaDBEndsSessionsThatAProxyKeeps(t *testing.T) {
	p := newPair(t)
	c := newCrossing(t, true, func(int64) *mariadbtest.Server { return p.first })
	db := databasetest.Open(t, c.source())
	for range 3 {
		leave := abandoned(t, db, endless)
		wantRunning(t, p.first, 1)
		if err := leave(); databasetest.CauseOf(err) != sqlgen.Canceled {
			t.Errorf("%v, %v", err, errors.Unwrap(err))
		}
		wantRunning(t, p.first, 0)
		wantIdle(t, db)
	}
}

// A process of one request makes one connection. When it ends, so has its statement.
func TestMariaDBOfOneRequest(t *testing.T) {
	p := newPair(t)
	source := p.source("")
	source.DSN, source.Once = fmt.Sprintf("DBI:mysql:database=pbx;host=127.0.0.1;port=%d", p.first.Port), true
	connections := func() (n int) {
		var name string
		if err := p.first.Root.QueryRow("SHOW GLOBAL STATUS LIKE 'Connections'").Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	db := databasetest.Open(t, source)
	before := connections()
	if got, err := databasetest.QueryText(t.Context(), db, "SELECT 7"); got != "7" || err != nil {
		t.Fatal(got, err)
	}
	if n := connections() - before; n != 1 {
		t.Errorf("%d connections", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := databasetest.QueryText(ctx, db, endless); databasetest.CauseOf(err) != sqlgen.Timeout {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	var left int
	if err := p.first.Root.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'pbx' AND command <> 'Sleep'").Scan(&left); err != nil || left > 0 {
		t.Errorf("%d statements, %v", left, err)
	}
}

// A server that says nothing keeps no place in the pool.
func TestMariaDBThatIsPausedTakesNoPlaces(t *testing.T) {
	server := mariadbtest.New(t)
	db := databasetest.Open(t, database.Source{
		DSN:  fmt.Sprintf("DBI:mysql:database=mysql;host=%s;port=%d", server.Host, server.Port),
		User: server.User, Password: server.Password, MaxConnections: 4, ConnectTimeout: time.Second,
	})
	databasetest.Nest(t, db, 4)
	server.Pause(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := databasetest.QueryText(ctx, db, "SELECT 1"); databasetest.CauseOf(err) != sqlgen.Timeout {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	wantIdle(t, db)
	server.Resume(t)
	if got, err := databasetest.QueryText(t.Context(), db, "SELECT 7"); got != "7" || err != nil {
		t.Errorf("%q, %v, %v", got, err, errors.Unwrap(err))
	}
}
