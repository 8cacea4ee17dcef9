package mysql_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
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

// wantPort checks which server responds to a read.
func (p *pair) wantPort(what string, db *database.DB, port int) {
	p.t.Helper()
	if got, err := databasetest.QueryText(p.t.Context(), db, "SELECT @@port"); got != strconv.Itoa(port) || err != nil {
		p.t.Errorf("%s: the server at %s answers, want %d: %v, %v", what, got, port, err, errors.Unwrap(err))
	}
}

func TestMariaDBServersTheFirstThatTakesWritesServes(t *testing.T) {
	p := newPair(t)
	db := databasetest.Open(t, p.source(""))
	if want := p.first.Address() + "," + p.second.Address() + "/pbx"; db.Address() != want {
		t.Errorf("the address is %s, want %s", db.Address(), want)
	}
	p.wantPort("both write", db, p.first.Port)
	databasetest.Nest(t, db, 4)

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
	if err := p.write(db); databasetest.CauseOf(err) != sqlgen.ReadOnly {
		t.Errorf("nobody takes writes: %v", err)
	}
	p.wantPort("nobody takes writes", databasetest.Open(t, p.source("")), p.first.Port)
}

// Writes that no server takes cost few connections, whether there is another host or not.
func TestMariaDBThatTakesNoWritesGetsFewConnections(t *testing.T) {
	p := newPair(t)
	p.readOnly(1, 1)
	one := p.source("")
	one.DSN = fmt.Sprintf("DBI:mysql:database=pbx;host=127.0.0.1;port=%d", p.first.Port)
	for name, source := range map[string]database.Source{"two hosts": p.source(""), "one host": one} {
		db := databasetest.Open(t, source)
		databasetest.Nest(t, db, source.MaxConnections)
		connections := func() (n int) {
			for _, s := range []*mariadbtest.Server{p.first, p.second} {
				var name string
				var more int
				if err := s.Root.QueryRow("SHOW GLOBAL STATUS LIKE 'Connections'").Scan(&name, &more); err != nil {
					t.Fatal(err)
				}
				n += more
			}
			return n
		}
		before := connections()
		var all sync.WaitGroup
		for range 7 {
			all.Go(func() {
				for range 100 {
					if err := p.write(db); databasetest.CauseOf(err) != sqlgen.ReadOnly {
						t.Errorf("%s: %v, %v", name, err, errors.Unwrap(err))
					}
					if got, err := databasetest.QueryText(t.Context(), db, "SELECT 7"); got != "7" || err != nil {
						t.Errorf("%s: %q, %v, %v", name, got, err, errors.Unwrap(err))
					}
				}
			})
		}
		all.Wait()
		if n := connections() - before; n > 100 {
			t.Errorf("%s: %d connections for 700 writes", name, n)
		} else {
			t.Logf("%s: %d connections", name, n)
		}
	}
}

func TestMariaDBReadsFromAnotherServer(t *testing.T) {
	p := newPair(t)
	source := p.source(";mysql_init_command=SET @prepared = 1")
	source.ReadReplicas = p.second.Address()
	db := databasetest.Open(t, source)
	if want := p.first.Address() + "," + p.second.Address() + "/pbx, reads from " + p.second.Address(); db.Address() != want {
		t.Errorf("the address is %s, want %s", db.Address(), want)
	}
	p.readOnly(0, 1)
	p.wantPort("both are there", db, p.second.Port)
	if err := p.write(db); err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	// Nobody replicates here: that the row is not found shows where it went.
	if rows, err := databasetest.QueryText(t.Context(), db, "SELECT COUNT(*) FROM v WHERE @prepared"); rows != "0" || err != nil {
		t.Errorf("%s rows, %v", rows, err)
	}
	p.second.Halt(t)
	p.wantPort("the other is away", db, p.first.Port)
	if rows, err := databasetest.QueryText(t.Context(), db, "SELECT COUNT(*) FROM v WHERE @prepared"); rows != "1" || err != nil {
		t.Errorf("%s rows, %v", rows, err)
	}
}

func TestMariaDBReadsAreSpread(t *testing.T) {
	p := newPair(t)
	source := p.source("")
	source.ReadReplicas = p.first.Address() + ", " + p.second.Address()
	seen := map[string]int{}
	for range 40 {
		db := databasetest.Open(t, source)
		got, err := databasetest.QueryText(t.Context(), db, "SELECT @@port")
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
	source, _ := databasetest.NewMariaDB(t)
	server := mariadbtest.Start(t)
	source.DSN = fmt.Sprintf("DBI:mysql:database=%s;host=127.0.0.2,[::1],127.0.0.1;port=%d", databasetest.DatabaseOf(source), server.Port)
	db := databasetest.Open(t, source)
	if got, err := databasetest.QueryText(t.Context(), db, "SELECT @@port"); got != strconv.Itoa(server.Port) || err != nil {
		t.Errorf("%s, %v, %v", got, err, errors.Unwrap(err))
	}
}
