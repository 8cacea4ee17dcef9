package database

import "testing"

// Behind a proxy connections seem to live whose server is gone: a read that has
// met one of them is not given another of the same age.
func TestReadIsRepeatedOnAFreshConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		done := make(chan struct{})
		for range 4 {
			go func() {
				ask(t, db, "one")
				done <- struct{}{}
			}()
		}
		for range 4 {
			<-done
		}
		server.cut()
		logins := server.logins
		for range 4 {
			if cause, _ := ask(t, db, "one"); cause != "" {
				t.Error(cause)
			}
		}
		if server.logins == logins {
			t.Error("no connection was replaced")
		}
	})
}
