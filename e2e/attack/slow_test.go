//go:build e2e

package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"sync"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// slowEach is how many slow clients of each manner there are at a time.
const slowEach = 250

// A manner is a way to be slow.
type manner struct {
	name string
	send string // at once
	drip string // over and over, a byte at a time
	deaf bool   // reads nothing

	answer *regexp.Regexp // before it is cut off
}

var manners = []manner{
	{name: "says nothing", answer: regexp.MustCompile(`^$`)},
	{name: "header byte by byte", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\nX-Slow: ", drip: "a", answer: regexp.MustCompile(`^$`)},
	{name: "body byte by byte", send: "POST /peers/update?name=bob HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\ncontext=", drip: "a",
		answer: regexp.MustCompile(`^$|^HTTP/1.1 200 OK\r\n(.*\r\n)*X-Dbsep-Error: body-unreadable\r\n(.*\r\n)*\r\n-1\n$`)},
	{name: "never reads", send: "POST /bulk/multi HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nid+%3E%3D=0", deaf: true},
}

func TestSlowClients(t *testing.T) {
	for _, k := range kinds {
		testenv.Feature(t, "attack/"+k.name, fmt.Sprintf("%d slow clients: cut off, and nobody else waits for them", slowEach*len(manners)), func(t *testing.T) {
			x := serve(t, k.site(t, tables), "[limits]", "header_timeout=4s", "read_timeout=5s", "write_timeout=5s", "idle_timeout=5s")
			before := x.atRest(t)
			all := dialSlow(t, x)
			served := withPhones(t, x, "", func() {
				x.await(t, "all clients to be connected", func(now testenv.Series) bool { return now["dbsep_http_connections"] >= float64(len(all)) })
				for _, s := range all {
					s.begin(t)
				}
				x.await(t, "the slow clients to be cut off", func(now testenv.Series) bool { return now["dbsep_http_connections"] <= phones })
			})
			t.Logf("%d requests of others were answered meanwhile", served)
			for _, s := range all {
				s.wantCutOff(t)
			}
			const whole = `dbsep_http_requests_total{code="ok",operation="multi",table="bulk"}`
			if now := testenv.Metrics(t, x.status); now[whole] != before[whole] {
				t.Error("a client that never reads has had a whole answer")
			}
			x.backTo(t, before)
		})
	}
}

// A slowClient is a connection that is slow in its manner.
type slowClient struct {
	manner
	conn net.Conn
	cut  chan struct{} // closed when writing has failed
}

// dialSlow connects all slow clients. The deaf ones have next to no room for
// what they are sent.
func dialSlow(t *testing.T, x *target) []*slowClient {
	t.Helper()
	var all []*slowClient
	for range slowEach {
		for _, m := range manners {
			c, err := net.Dial("tcp", x.address)
			check(t, err)
			t.Cleanup(func() { c.Close() })
			if m.deaf {
				check(t, c.(*net.TCPConn).SetReadBuffer(4096))
			}
			all = append(all, &slowClient{manner: m, conn: c, cut: make(chan struct{})})
		}
	}
	return all
}

// begin sends what the manner sends, the drip in the background.
func (s *slowClient) begin(t *testing.T) {
	t.Helper()
	_, err := io.WriteString(s.conn, s.send)
	check(t, err)
	if s.drip == "" {
		close(s.cut)
		return
	}
	go func() {
		defer close(s.cut)
		pace := time.NewTicker(200 * time.Millisecond)
		defer pace.Stop()
		for err == nil {
			<-pace.C
			_, err = io.WriteString(s.conn, s.drip)
		}
	}()
}

// wantCutOff wants the connection to have been ended by the server, without a
// response as if all were well.
func (s *slowClient) wantCutOff(t *testing.T) {
	t.Helper()
	if s.deaf {
		return // the server's count says so; what is under way in the network would come in drops
	}
	check(t, s.conn.SetReadDeadline(time.Now().Add(time.Minute)))
	answer, err := io.ReadAll(s.conn)
	<-s.cut
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Errorf("%s: not cut off", s.name)
	case !s.answer.Match(answer):
		t.Errorf("%s: answered %.200q", s.name, answer)
	}
}

// phones is how many clients send requests as they should.
const phones = 4

// withPhones lets others send requests, from an address of this machine, while an
// attack runs, and counts their responses. All must be right.
func withPhones(t *testing.T, x *target, from string, attack func()) int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var lines [phones]*testenv.Phone
	for i := range lines {
		p := testenv.NewPhone(x.url, fmt.Sprintf("phone%d", i), from)
		lines[i] = p
		all.Go(func() {
			defer p.Close()
			for ctx.Err() == nil {
				if err := p.Round(context.WithoutCancel(ctx)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	attack()
	cancel()
	all.Wait()
	var asked, answered int64
	for _, p := range lines {
		if p.Answers.Load() < 10 {
			t.Errorf("%s has had %d answers", p.Name, p.Answers.Load())
		}
		asked, answered = asked+p.Asked.Load(), answered+p.Answers.Load()
	}
	if asked != answered {
		t.Errorf("%d requests, %d right answers", asked, answered)
	}
	return answered
}
