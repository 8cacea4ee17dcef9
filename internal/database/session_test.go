package database

import (
	"testing"

	"dbsep/sqlgen"
)

// Behind a proxy connections seem to live whose server is gone: a read that has
// met one of them is not given another of the same age.
func TestReadIsRepeatedOnAFreshConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		done := make(chan struct{})
		for range 4 {
			go func() {
				query(t, db, "one")
				done <- struct{}{}
			}()
		}
		for range 4 {
			<-done
		}
		server.cut()
		logins := server.logins
		for range 4 {
			if cause, _ := query(t, db, "one"); cause != "" {
				t.Error(cause)
			}
		}
		if server.logins == logins {
			t.Error("no connection was replaced")
		}
	})
}

// A write is repeated only where nothing of it was sent. A later failure does not
// repeat it.
func TestWriteIsRepeatedWhereItWasNotSent(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		write := func(text string) (int64, error) {
			return db.Exec(t.Context(), sqlgen.Statement{SQL: text})
		}
		for _, text := range []string{"not sent", "sent"} {
			if n, err := write(text); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		if n, err := write("not counted"); err == nil || server.writes.Load() != 3 {
			t.Errorf("%d, %v, %d writes", n, err, server.writes.Load())
		}
		_, _ = write("sent")
		server.cut()
		if n, err := write("sent"); err == nil || server.writes.Load() != 4 {
			t.Errorf("%d, %v, %d writes", n, err, server.writes.Load())
		}
		_, _ = write("not sent")
		server.cut()
		if n, err := write("not sent"); n != 1 || err != nil || server.writes.Load() != 6 {
			t.Errorf("%d, %v, %d writes", n, err, server.writes.Load())
		}
	})
}
