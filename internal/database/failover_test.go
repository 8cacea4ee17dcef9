package database

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestServersThatWereAllAwayAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := new(pretended), new(pretended)
		first.away.Store(true)
		second.away.Store(true)
		var o OpenContext
		made := o.FailoverPool(&Failover{Servers: []*Connector{{Connector: first, Timeout: time.Second}, {Connector: second, Timeout: time.Second}}})
		if _, err := made.Connect(t.Context()); err == nil {
			t.Fatal("both are away")
		}
		second.away.Store(false)
		time.Sleep(2 * lastPause)
		conn, err := made.Connect(t.Context())
		if err != nil {
			t.Fatalf("the second is back: %v", err)
		}
		conn.Close()
	})
}
