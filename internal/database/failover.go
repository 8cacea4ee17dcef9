package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Failover connects to the first of several servers that is usable. One that
// was unavailable a moment ago is passed over without a try: each has a breaker of
// its own.
type Failover struct {
	Servers  []*Connector
	Shuffle  bool       // in random order, so that the servers share the work
	Fallback *Connector // where none of them is usable; may be nil
}

// failoverWindow is how long connections are used that were made because a server
// refused a statement that another one may take, though they lead to such a server, too.
const failoverWindow = time.Second

// A failover is what a pool knows of servers that refuse statements.
type failover struct {
	mu    sync.Mutex
	found bool // another server took a statement since connections were retired
}

// leaveHost reports whether a server may be another one, or another as it was, for a
// statement that was refused, on a connection made since the statement began. It retires
// the connections that there are, unless that has been done a moment ago and did not help.
func (c *Connector) leaveHost(began time.Time) bool {
	c.failover.mu.Lock()
	defer c.failover.mu.Unlock()
	now, last := time.Now(), c.retired.Load()
	if last != nil && now.Sub(*last) < failoverWindow && !c.failover.found {
		return began.Before(*last)
	}
	c.retired.Store(&now)
	c.failover.found = false
	return true
}

// foundHost notes that a statement succeeded that another server had refused.
func (c *Connector) foundHost() {
	c.failover.mu.Lock()
	defer c.failover.mu.Unlock()
	c.failover.found = true
}

// A Standby is a connection to a server that takes no writes. A [Failover]
// returns it, without this around it, where there is no better one.
type Standby struct{ driver.Conn }

func (s Standby) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return s.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
}

func (c *Failover) Driver() driver.Driver { return c.Servers[0].Driver() }

func (c *Failover) Connect(ctx context.Context) (driver.Conn, error) {
	// A probe tries no server out of turn: the others would have to wait for it.
	each := context.WithValue(ctx, probing{}, nil)
	var errs []error
	var standby driver.Conn
	for _, i := range c.order() {
		conn, err := c.Servers[i].login(each)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s, lesser := conn.(Standby)
		switch {
		case !lesser:
			if standby != nil {
				standby.Close()
			}
			return conn, nil
		case standby == nil:
			standby = s.Conn
		default:
			conn.Close()
		}
	}
	if standby != nil {
		return standby, nil
	}
	if c.Fallback != nil {
		conn, err := c.Fallback.login(each)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (c *Failover) order() []int {
	if c.Shuffle {
		return rand.Perm(len(c.Servers))
	}
	order := make([]int, len(c.Servers))
	for i := range order {
		order[i] = i
	}
	return order
}

// FailoverPool is a pool of connections to one of several servers. All of them
// together get the time that each of them has.
func (o *OpenContext) FailoverPool(c *Failover) *PoolConfig {
	var timeout time.Duration
	for _, s := range c.Servers {
		s.breaker = &breaker{threshold: 1}
		timeout += s.Timeout
	}
	if c.Fallback != nil {
		timeout += c.Fallback.Timeout
	}
	made := o.ServerPool(&Connector{Connector: c, Timeout: timeout})
	made.SeveralHosts = len(c.Servers) > 1 || c.Fallback != nil
	return made
}

// A HostPort is a server of read_replicas.
type HostPort struct {
	Host string // a name, an address, or the directory of a socket
	Port string // empty where none is named
}

// Replicas reads the servers that reads go to.
func (o *OpenContext) Replicas() []HostPort {
	if strings.TrimSpace(o.ReadReplicas) == "" {
		return nil
	}
	var all []HostPort
	for text := range strings.SplitSeq(o.ReadReplicas, ",") {
		a, ok := parseAddress(strings.TrimSpace(text))
		if !ok {
			o.Refuse("read_replicas", "names something that is no host and no host:port", "write read_replicas=db2,db3:3307, and an IPv6 address with a port as [::1]:3307")
			return nil
		}
		all = append(all, a)
	}
	return all
}

func parseAddress(text string) (a HostPort, ok bool) {
	switch {
	case strings.HasPrefix(text, "/"), strings.Count(text, ":") > 1 && text[0] != '[':
		a.Host = text
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"), !strings.Contains(text, ":"):
		a.Host = strings.Trim(text, "[]")
	default:
		host, port, err := net.SplitHostPort(text)
		if n, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil || n == 0 {
			return a, false
		}
		a.Host, a.Port = host, port
	}
	return a, a.Host != "" && !strings.ContainsAny(a.Host, " \t;=[]")
}
