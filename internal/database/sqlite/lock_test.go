package sqlite_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/sqlgen"
)

// TestSQLiteWriterIsNotStarved writes while readings overlap, each of which
// takes longer than SQLite lets a reader wait: there is always one that reads.
func TestSQLiteWriterIsNotStarved(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1), (2)")
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path, BusyTimeout: 3 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const readersAtATime, lasts = 4, 800 * time.Millisecond
	read := func(begun chan<- bool, lasts time.Duration) {
		err := db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT a FROM t"}, func([][]byte) error {
			if begun != nil {
				close(begun)
				begun = nil
				<-time.After(lasts)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	var readers sync.WaitGroup
	for i := range readersAtATime {
		begun := make(chan bool)
		readers.Go(func() {
			read(begun, lasts*time.Duration(i+1)/readersAtATime) // so that they end one after the other
			for ctx.Err() == nil {
				read(make(chan bool), lasts)
			}
		})
		<-begun
	}
	for range 2 {
		if n, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "UPDATE t SET a = a + 1"}); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	cancel()
	readers.Wait()
}

// TestSQLiteReaderIsNotStarved reads while writes wait, one behind the other, for
// long readings that overlap: the file is free for moments only.
func TestSQLiteReaderIsNotStarved(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1), (2)")
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path, BusyTimeout: 2 * time.Second})
	const (
		longReaders, lasts = 4, 200 * time.Millisecond
		writers, writes    = 4, 10
	)
	read := func(lasts time.Duration) {
		if err := db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT a FROM t LIMIT 1"}, func([][]byte) error {
			<-time.After(lasts)
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var readers, writing sync.WaitGroup
	for range longReaders {
		readers.Go(func() {
			for ctx.Err() == nil {
				read(lasts)
			}
		})
	}
	readers.Go(func() {
		for ctx.Err() == nil {
			read(0)
		}
	})
	for range writers {
		writing.Go(func() {
			for range writes {
				if _, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "UPDATE t SET a = a + 1"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	cancel()
	readers.Wait()
}
