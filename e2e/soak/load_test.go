//go:build soak

package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"dbsep/internal/testenv"
)

// A load is the requests that a server gets, at a limited rate.
type load struct {
	base, address string
	restarting    atomic.Bool // the database is: responses may be failures
	answers       atomic.Int64
	failures      atomic.Int64 // while the database was restarting
	long          atomic.Int64 // responses of 50,000 rows
	slow, gone    atomic.Int64 // clients
}

// every does something at a pace until ctx ends.
func every(ctx context.Context, pace time.Duration, do func() error) error {
	clock := time.NewTicker(pace)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		if err := do(); err != nil {
			return err
		}
	}
}

// phone sends requests as a PBX does: 100 requests in a second, one in five of them
// a write and one in five a fault of the client.
func (l *load) phone(ctx context.Context, name string) error {
	p := testenv.NewPhone(l.base, name, "")
	defer func() { p.Close() }()
	return every(ctx, 100*time.Millisecond, func() error {
		was := l.restarting.Load()
		err := p.Round(context.WithoutCancel(ctx))
		l.answers.Add(p.Answers.Swap(0))
		if err == nil || !was && !l.restarting.Load() {
			return err
		}
		p.Close()
		p = testenv.NewPhone(l.base, fmt.Sprintf("%s.%d", name, l.failures.Add(1)), "") // the row of the other may be there still
		return nil
	})
}

// reader requests 50,000 rows.
func (l *load) reader(ctx context.Context) error {
	p := testenv.NewPhone(l.base, "reader", "")
	defer p.Close()
	return every(ctx, 2*time.Second, func() error {
		was := l.restarting.Load()
		rows, err := p.Ask(context.WithoutCancel(ctx), "/bulk/multi", "id+%3E%3D=0")
		if err == nil && rows != 50000 {
			err = fmt.Errorf("%d rows", rows)
		}
		switch {
		case err == nil:
			l.long.Add(1)
		case was || l.restarting.Load():
			l.failures.Add(1)
			err = nil
		}
		return err
	})
}

// vanishing clients request much and break off.
func (l *load) vanishing(ctx context.Context) error {
	return every(ctx, time.Second, func() error {
		c, err := net.Dial("tcp", l.address)
		if err != nil {
			return err
		}
		defer c.Close()
		l.gone.Add(1)
		if _, err := io.WriteString(c, askForMuch); err != nil {
			return err
		}
		_, _ = io.CopyN(io.Discard, c, 1024)
		return c.(*net.TCPConn).SetLinger(0)
	})
}

const askForMuch = "POST /bulk/multi HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nid+%3E%3D=0"

// slowly are clients that send a part of a request, or read nothing of a long
// response. The server has to cut them off: nothing else ends them.
func (l *load) slowly(ctx context.Context) error {
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	parts := []string{"POST /peers/sing", "POST /peers/update?name=bob HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nport=", askForMuch}
	next := 0
	return every(ctx, time.Second, func() error {
		c, err := net.Dial("tcp", l.address)
		if err != nil {
			return err
		}
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		l.slow.Add(1)
		if _, err := io.WriteString(c, parts[next%len(parts)]); err != nil {
			return err
		}
		next++
		if open = append(open, c); len(open) > 21 { // by now the oldest is cut off
			err = wantCut(open[0])
			open = open[1:]
		}
		return err
	})
}

// wantCut wants the server to have ended a connection.
func wantCut(c net.Conn) error {
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(c, 1024)) // of a long response more may be under way in the network
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("a slow client is not cut off: %.100q", answer)
	}
	return nil
}
