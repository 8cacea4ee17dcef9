package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/sqlgen"
)

// inBatches runs a test of a database whose reads share statements.
func inBatches(t *testing.T, test func(t *testing.T, server *pretended, db *DB)) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		db.driver.Dialect = &sqlgen.Dialect{
			Quote: func(name string) string { return name }, Placeholder: sqlgen.QuestionMark,
			Read: func(_ *sqlgen.Column, quoted string) string { return quoted },
		}
		db.batches = newBatches(16)
		test(t, server, db)
	})
}

// readAll reads rows, all at once, and returns the causes of their errors, empty where the
// row has come.
func readAll(t *testing.T, db *DB, ids ...string) (causes []string) {
	t.Helper()
	table := sqlgen.NewTable("phones", []sqlgen.Column{{Name: "id", Class: sqlgen.Text, Collation: sqlgen.CaseSensitive, Unique: true}})
	causes = make([]string, len(ids))
	var all sync.WaitGroup
	for i, id := range ids {
		all.Go(func() {
			s, err := sqlgen.Single(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: id}})
			if err != nil {
				t.Error(err)
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			row := ""
			err = db.Query(ctx, s, func(columns [][]byte) error {
				row = string(columns[0])
				return nil
			})
			var fault *sqlgen.Fault
			switch {
			case errors.As(err, &fault):
				causes[i] = fault.Error()
			case err != nil || row != id:
				t.Errorf("%.20s: %.20q, %v", id, row, err)
			}
		})
	}
	all.Wait()
	synctest.Wait() // until no statement runs any more
	return causes
}

func ids(n int, suffix string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("phone%d%s", i, suffix))
	}
	return all
}

func wantAll(t *testing.T, what string, causes []string, want string) {
	t.Helper()
	for i, got := range causes {
		if got != want {
			t.Errorf("%s: read %d: %q, want %q", what, i, got, want)
			return
		}
	}
}

func TestBatchIsReadAgainByOneWhereItPanics(t *testing.T) {
	inBatches(t, func(t *testing.T, server *pretended, db *DB) {
		server.panics.Store(true)
		wantAll(t, "reads", readAll(t, db, ids(50, "")...), "")
		if b := db.Batches(); b.Sent == 0 || b.Again != b.Reads {
			t.Errorf("%+v", b)
		}
		server.panics.Store(false)
		wantAll(t, "reads afterwards", readAll(t, db, ids(50, "")...), "")
	})
}

func TestBatchOfLargeRows(t *testing.T) {
	inBatches(t, func(t *testing.T, _ *pretended, db *DB) {
		wantAll(t, "rows of more than a batch may have", readAll(t, db, ids(64, strings.Repeat("x", 100_000))...), "")
		b := db.Batches()
		if b.Again == 0 || b.Again == b.Reads {
			t.Errorf("%+v", b)
		}
		db.maxRowBytes = 1000
		large := "large" + strings.Repeat("x", 1000)
		causes := readAll(t, db, append(ids(20, ""), large)...)
		wantAll(t, "beside a row that is too long", causes[:20], "")
		wantAll(t, "the row that is too long", causes[20:], (&sqlgen.Fault{Cause: sqlgen.RowTooLarge}).Error())
	})
}

// Where the server says nothing, those that wait for the reads before them wait no longer than
// for a connection.
func TestBatchOnAMuteServer(t *testing.T) {
	inBatches(t, func(t *testing.T, server *pretended, db *DB) {
		wantAll(t, "before", readAll(t, db, ids(20, "")...), "")
		server.mute.Store(true)
		began := time.Now()
		causes := map[string]int{}
		for _, c := range readAll(t, db, ids(100, "")...) {
			causes[c]++
		}
		busy, timeout := (&sqlgen.Fault{Cause: sqlgen.Busy}).Error(), (&sqlgen.Fault{Cause: sqlgen.Timeout}).Error()
		if causes[busy] != 98 || causes[timeout] != 2 || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", causes, time.Since(began))
		}
		if s := db.Stats()[0]; s.Waited != 98 || s.Failed != 98 {
			t.Errorf("%+v", s)
		}
		server.mute.Store(false)
		if err := db.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		before := db.Batches()
		wantAll(t, "afterwards", readAll(t, db, ids(20, "")...), "")
		if b := db.Batches(); b.Again != before.Again || b.Sent == before.Sent {
			t.Errorf("%+v after %+v", b, before)
		}
	})
}

// A batch whose connection has ended is sent once more, and where the server is away all get
// that answer.
func TestBatchWhoseConnectionEnds(t *testing.T) {
	inBatches(t, func(t *testing.T, server *pretended, db *DB) {
		wantAll(t, "before", readAll(t, db, ids(50, "")...), "")
		server.cut()
		wantAll(t, "a connection that ended", readAll(t, db, ids(50, "")...), "")
		server.cut()
		server.away.Store(true)
		wantAll(t, "a server that is away", readAll(t, db, ids(50, "")...), away)
		if b := db.Batches(); b.Again != 0 || b.Waiting != 0 {
			t.Errorf("%+v", b)
		}
	})
}

// A read whose client takes its time keeps a connection, and no other read of the same text.
func TestReadsDoNotWaitForClients(t *testing.T) {
	inBatches(t, func(t *testing.T, _ *pretended, db *DB) {
		table := sqlgen.NewTable("phones", []sqlgen.Column{{Name: "id", Class: sqlgen.Text, Collation: sqlgen.CaseSensitive, Unique: true}})
		s, err := sqlgen.Single(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "slow"}})
		if err != nil {
			t.Fatal(err)
		}
		var slow sync.WaitGroup
		taken := make(chan struct{})
		for range 8 {
			slow.Go(func() {
				err := db.Query(t.Context(), s, func([][]byte) error {
					<-taken
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		wantAll(t, "others", readAll(t, db, ids(50, "")...), "")
		if took := time.Since(began); took > time.Second {
			t.Errorf("the others took %v", took)
		}
		close(taken)
		slow.Wait()
	})
}
