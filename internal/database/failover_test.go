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

func TestConnectionsAreRetiredOncePerWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(Connector)
		retired := 0
		refused := func(began time.Time) (again bool) {
			before := c.retired.Load()
			again = c.leaveHost(began)
			if c.retired.Load() != before {
				retired++
			}
			time.Sleep(time.Millisecond)
			return again
		}
		first := time.Now()
		time.Sleep(time.Millisecond)
		for range 20 { // that were sent before
			if !refused(first) {
				t.Error("a statement that began before has no second try")
			}
		}
		for range 20 {
			if refused(time.Now()) {
				t.Error("a statement on a new connection has a second try")
			}
		}
		if retired != 1 {
			t.Errorf("retired %d times", retired)
		}
		time.Sleep(failoverWindow)
		for range 20 {
			refused(time.Now())
		}
		if retired != 2 {
			t.Errorf("retired %d times after a window", retired)
		}
		c.foundHost()
		if !refused(time.Now()) || retired != 3 {
			t.Error("the server that took the last one over is not left")
		}
	})
}
