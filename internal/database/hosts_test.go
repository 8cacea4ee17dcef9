package database_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

// A pair is two MariaDB servers with the same account and the same table, which
// nobody replicates: what is written to one stays there.
type pair struct {
	t             *testing.T
	first, second *mariadbtest.Server
}

func newPair(t *testing.T) *pair {
	p := &pair{t, mariadbtest.New(t), mariadbtest.New(t)}
	for _, s := range []*mariadbtest.Server{p.first, p.second} {
		// One that may not write where read_only is on.
		s.Exec(t, "CREATE DATABASE pbx", "CREATE TABLE pbx.v (id INT)",
			"CREATE USER pbx@'127.0.0.1' IDENTIFIED BY 'p'", "GRANT ALL ON pbx.* TO pbx@'127.0.0.1'")
	}
	return p
}

func (p *pair) source(options string) database.Source {
	return database.Source{
		DSN:  fmt.Sprintf("DBI:mysql:database=pbx;host=127.0.0.1,127.0.0.1;port=%d,%d%s", p.first.Port, p.second.Port, options),
		User: "pbx", Password: "p", MaxConnections: 4,
	}
}

// readOnly says of both servers whether they take writes.
func (p *pair) readOnly(first, second int) {
	p.t.Helper()
	p.first.Exec(p.t, fmt.Sprintf("SET GLOBAL read_only = %d", first))
	p.second.Exec(p.t, fmt.Sprintf("SET GLOBAL read_only = %d", second))
}

func (p *pair) write(db *database.DB) error {
	_, err := db.Exec(p.t.Context(), sqlgen.Statement{SQL: "INSERT INTO v VALUES (1)"})
	return err
}

// wantPort checks which server answers a read.
func (p *pair) wantPort(what string, db *database.DB, port int) {
	p.t.Helper()
	if got, err := ask(p.t.Context(), db, "SELECT @@port"); got != strconv.Itoa(port) || err != nil {
		p.t.Errorf("%s: the server at %s answers, want %d: %v, %v", what, got, port, err, errors.Unwrap(err))
	}
}

func TestMariaDBServersTheFirstThatTakesWritesServes(t *testing.T) {
	p := newPair(t)
	db := open(t, p.source(""))
	if want := p.first.Address() + "," + p.second.Address() + "/pbx"; db.Address() != want {
		t.Errorf("the address is %s, want %s", db.Address(), want)
	}
	p.wantPort("both write", db, p.first.Port)
	nest(t, db, 4)

	p.readOnly(1, 0)
	if err := p.write(db); err != nil {
		t.Errorf("the role has changed: %v, %v", err, errors.Unwrap(err))
	}
	p.wantPort("the role has changed", db, p.second.Port)

	p.readOnly(0, 1)
	if err := p.write(db); err != nil {
		t.Errorf("the role has changed again: %v, %v", err, errors.Unwrap(err))
	}
	p.wantPort("the role has changed again", db, p.first.Port)

	p.readOnly(0, 0)
	p.first.Halt(t)
	if err := p.write(db); err != nil {
		t.Errorf("the first is away: %v, %v", err, errors.Unwrap(err))
	}
	p.wantPort("the first is away", db, p.second.Port)
	p.first.Again(t)

	p.readOnly(1, 1)
	if err := p.write(db); causeOf(err) != sqlgen.ReadOnly {
		t.Errorf("nobody takes writes: %v", err)
	}
	p.wantPort("nobody takes writes", open(t, p.source("")), p.first.Port)
}

func TestMariaDBReadsFromAnotherServer(t *testing.T) {
	p := newPair(t)
	source := p.source(";mysql_init_command=SET @prepared = 1")
	source.ReadFrom = p.second.Address()
	db := open(t, source)
	if want := p.first.Address() + "," + p.second.Address() + "/pbx, reads from " + p.second.Address(); db.Address() != want {
		t.Errorf("the address is %s, want %s", db.Address(), want)
	}
	p.readOnly(0, 1)
	p.wantPort("both are there", db, p.second.Port)
	if err := p.write(db); err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	// Nobody replicates here: that the row is not found shows where it went.
	if rows, err := ask(t.Context(), db, "SELECT COUNT(*) FROM v WHERE @prepared"); rows != "0" || err != nil {
		t.Errorf("%s rows, %v", rows, err)
	}
	p.second.Halt(t)
	p.wantPort("the other is away", db, p.first.Port)
	if rows, err := ask(t.Context(), db, "SELECT COUNT(*) FROM v WHERE @prepared"); rows != "1" || err != nil {
		t.Errorf("%s rows, %v", rows, err)
	}
}

func TestReadsAreSpread(t *testing.T) {
	p := newPair(t)
	source := p.source("")
	source.ReadFrom = p.first.Address() + ", " + p.second.Address()
	seen := map[string]int{}
	for range 40 {
		db := open(t, source)
		got, err := ask(t.Context(), db, "SELECT @@port")
		if err != nil {
			t.Fatal(err, errors.Unwrap(err))
		}
		seen[got]++
		db.Close()
	}
	if len(seen) != 2 {
		t.Errorf("%v", seen)
	}
}

// The name of a host, or here a list, may lead to an address where nobody is.
func TestMariaDBTriesTheNextAddress(t *testing.T) {
	source, _ := newMariaDB(t)
	server := mariadbtest.Start(t)
	source.DSN = fmt.Sprintf("DBI:mysql:database=%s;host=127.0.0.2,[::1],127.0.0.1;port=%d", databaseOf(source), server.Port)
	db := open(t, source)
	if got, err := ask(t.Context(), db, "SELECT @@port"); got != strconv.Itoa(server.Port) || err != nil {
		t.Errorf("%s, %v, %v", got, err, errors.Unwrap(err))
	}
}

func TestPostgresReadsFromAnotherServer(t *testing.T) {
	first, second := pgtest.Start(t), pgtest.New(t)
	source := database.Source{
		DSN:  fmt.Sprintf("DBI:Pg:dbname=postgres;host=%s;port=%d;target_session_attrs=read-write", first.Host, first.Port),
		User: first.User, Password: first.Password,
		ReadFrom: second.Address(),
	}
	db := open(t, source)
	if want := first.Address() + "/postgres, reads from " + second.Address(); db.Address() != want {
		t.Errorf("the address is %s, want %s", db.Address(), want)
	}
	const where = "SELECT inet_server_port()"
	if got, err := ask(t.Context(), db, where); got != strconv.Itoa(second.Port) || err != nil {
		t.Errorf("%s, %v, %v", got, err, errors.Unwrap(err))
	}
	// A write is not for the other: there is nothing of the kind there.
	t.Cleanup(func() { first.Exec(t, "DROP TABLE IF EXISTS only_here") })
	first.Exec(t, "CREATE TABLE only_here (id INT)", "GRANT ALL ON only_here TO "+first.User)
	if n, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO only_here VALUES (1)"}); n != 1 || err != nil {
		t.Errorf("%d, %v, %v", n, err, errors.Unwrap(err))
	}
	second.Halt(t)
	if got, err := ask(t.Context(), db, where); got != strconv.Itoa(first.Port) || err != nil {
		t.Errorf("the other is away: %s, %v, %v", got, err, errors.Unwrap(err))
	}
}

func TestHostsProblems(t *testing.T) {
	path, _ := newSQLiteFile(t)
	for text, want := range map[string]struct{ dsn, readFrom, key, text string }{
		"more ports than hosts": {"DBI:mysql:database=db;host=a,b;port=1,2,3", "", "dsn", "more or fewer ports than hosts"},
		"an empty host":         {"DBI:mysql:database=db;host=a,,b", "", "dsn", "an empty one"},
		"no port":               {"DBI:mysql:database=db;host=a", "b:x", "read_replicas", "no host and no host:port"},
		"an empty reader":       {"DBI:mysql:database=db;host=a", "b,", "read_replicas", "no host and no host:port"},
		"a parameter":           {"DBI:Pg:dbname=db;host=a", "b;port=1", "read_replicas", "no host and no host:port"},
		"a file":                {"DBI:SQLite:dbname=" + path, "b", "read_replicas", "means nothing to SQLite"},
	} {
		_, err := database.Open(database.Source{DSN: want.dsn, ReadFrom: want.readFrom})
		var p *database.Problem
		if !errors.As(err, &p) || p.Key != want.key || !strings.Contains(p.Text, want.text) || p.Remedy == "" {
			t.Errorf("%s: %v, want %q", text, err, want.text)
		}
	}
}

func TestHostsForms(t *testing.T) {
	for _, c := range []struct{ dsn, readFrom, want string }{
		{"DBI:mysql:database=db;host=a,b", "", "a:3306,b:3306/db"},
		{"DBI:mysql:database=db;host=a,b;port=3307", "", "a:3307,b:3307/db"},
		{"DBI:mysql:db:a,b:3307", "", "a:3307,b:3307/db"},
		{"DBI:MariaDB:database=db;host=[::1],b;port=1,2", "", "[::1]:1,b:2/db"},
		{"DBI:mysql:database=db;host=a;port=3307", "b,c:3308,[::1]:9,::2", "a:3307/db, reads from b:3307,c:3308,[::1]:9,[::2]:3307"},
		{"DBI:mysql:database=db;host=a;port=3307;mysql_socket=/s", "localhost", "a:3307/db, reads from unix(/s)"},
		{"DBI:Pg:dbname=db;host=a,b;port=5433,5434", "c,/run/x,d:1", "a:5433,b:5434/db, reads from c:5433,unix(/run/x/.s.PGSQL.5433),d:1"},
	} {
		if got := open(t, database.Source{DSN: c.dsn, ReadFrom: c.readFrom}).Address(); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.dsn, c.readFrom, got, c.want)
		}
	}
}
