package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"
)

// A choice connects to the first of several servers that will do. One that was
// away a moment ago is passed over without a try: each has a breaker of its own.
type choice struct {
	servers []*connecting
	anyhow  bool        // in any order, so that the servers share the work
	rest    *connecting // where none of them will do; may be nil
}

// A standby is a connection to a server that takes no writes. A choice gives it
// out, without this around it, where there is no better one.
type standby struct{ driver.Conn }

func (s standby) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return s.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
}

func (c *choice) Driver() driver.Driver { return c.servers[0].Driver() }

func (c *choice) Connect(ctx context.Context) (driver.Conn, error) {
	// A probe tries no server out of turn: the others would have to wait for it.
	each := context.WithValue(ctx, probing{}, nil)
	var errs []error
	var second driver.Conn
	for _, i := range c.order() {
		conn, err := c.servers[i].login(each)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s, lesser := conn.(standby)
		switch {
		case !lesser:
			if second != nil {
				second.Close()
			}
			return conn, nil
		case second == nil:
			second = s.Conn
		default:
			conn.Close()
		}
	}
	if second != nil {
		return second, nil
	}
	if c.rest != nil {
		conn, err := c.rest.login(each)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (c *choice) order() []int {
	if c.anyhow {
		return rand.Perm(len(c.servers))
	}
	order := make([]int, len(c.servers))
	for i := range order {
		order[i] = i
	}
	return order
}

// oneOf are connections to one of several servers. All of them together get the
// time that each of them has.
func (o *opening) oneOf(c *choice) *connections {
	var timeout time.Duration
	for _, s := range c.servers {
		s.breaker = &breaker{threshold: 1}
		timeout += s.timeout
	}
	if c.rest != nil {
		timeout += c.rest.timeout
	}
	made := o.served(&connecting{Connector: c, timeout: timeout})
	made.several = len(c.servers) > 1 || c.rest != nil
	return made
}

// An address is a server of read_from.
type address struct {
	host string // a name, an address, or the folder of a socket
	port string // empty where none is named
}

// readFrom reads the servers that reads go to.
func (o *opening) readFrom() []address {
	if strings.TrimSpace(o.ReadFrom) == "" {
		return nil
	}
	var all []address
	for text := range strings.SplitSeq(o.ReadFrom, ",") {
		a, ok := parseAddress(strings.TrimSpace(text))
		if !ok {
			o.Refuse("read_from", "names something that is no host and no host:port", "write read_from=db2,db3:3307, and an IPv6 address with a port as [::1]:3307")
			return nil
		}
		all = append(all, a)
	}
	return all
}

func parseAddress(text string) (a address, ok bool) {
	switch {
	case strings.HasPrefix(text, "/"), strings.Count(text, ":") > 1 && text[0] != '[':
		a.host = text
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"), !strings.Contains(text, ":"):
		a.host = strings.Trim(text, "[]")
	default:
		host, port, err := net.SplitHostPort(text)
		if n, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil || n == 0 {
			return a, false
		}
		a.host, a.port = host, port
	}
	return a, a.host != "" && !strings.ContainsAny(a.host, " \t;=[]")
}
