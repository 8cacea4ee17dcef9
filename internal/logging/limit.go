package logging

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limit returns a log for lines about clients, which any client can cause. Within a
// minute a client has a line of each kind at once. How many more there were is in one
// line at the end of the minute. Lines at level debug are not limited.
//
// leftOut is called for each line that is not written; it may be nil.
//
// A kind is a message with its code, operation, table, column and hint. A client is the address in the
// attribute "client", or the /64 network of an IPv6 address.
func Limit(log *slog.Logger, leftOut func()) *slog.Logger {
	if leftOut == nil {
		leftOut = func() {}
	}
	return slog.New(&limiter{log.Handler(), &lineCounts{to: log, leftOut: leftOut}})
}

const (
	// limitPeriod is how long a line is not repeated.
	limitPeriod = time.Minute

	// maxKinds limits the kinds of lines of a client in a period, and maxCounted the
	// clients that are counted each by itself. All others are one.
	maxKinds   = 20
	maxCounted = 100
)

// otherClients is the name of the clients that are not counted each by itself.
const otherClients = "others"

// A limiter is a handler of lines about clients.
type limiter struct {
	slog.Handler
	counts *lineCounts
}

func (l *limiter) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && !l.counts.admit(r) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

func (l *limiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limiter{l.Handler.WithAttrs(attrs), l.counts}
}

func (l *limiter) WithGroup(name string) slog.Handler {
	return &limiter{l.Handler.WithGroup(name), l.counts}
}

// lineCounts are the lines of a period.
type lineCounts struct {
	to      *slog.Logger
	leftOut func()

	mu      sync.Mutex
	clients map[string]*clientLines // nil before the first line of a period
}

// clientLines are the lines of a client.
type clientLines struct {
	kinds map[lineKind]bool // that were written
	more  map[string]int    // how many were not, by code or message
	level slog.Level        // the highest of those
}

type lineKind struct{ message, code, operation, table, column, hint string }

// admit reports whether a line is written, and counts it otherwise.
func (c *lineCounts) admit(r slog.Record) bool {
	kind, client := lineKind{message: r.Message}, ""
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "code":
			kind.code = a.Value.String()
		case "operation":
			kind.operation = a.Value.String()
		case "table":
			kind.table = a.Value.String()
		case "column":
			kind.column = a.Value.String()
		case "hint":
			kind.hint = a.Value.String()
		case "client":
			client = network(a.Value.String())
		}
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.of(client)
	if !lines.kinds[kind] && len(lines.kinds) < maxKinds {
		lines.kinds[kind] = true
		return true
	}
	name := kind.code
	if name == "" {
		name = kind.message
	}
	c.leftOut()
	lines.more[name]++
	lines.level = max(lines.level, r.Level)
	return false
}

// of returns the lines of a client. The first one begins a period.
func (c *lineCounts) of(client string) *clientLines {
	if c.clients == nil {
		c.clients = make(map[string]*clientLines)
		time.AfterFunc(limitPeriod, c.end)
	}
	if c.clients[client] == nil && len(c.clients) >= maxCounted {
		client = otherClients
	}
	if c.clients[client] == nil {
		c.clients[client] = &clientLines{kinds: make(map[lineKind]bool), more: make(map[string]int)}
	}
	return c.clients[client]
}

// end ends a period.
func (c *lineCounts) end() {
	c.mu.Lock()
	clients := c.clients
	c.clients = nil
	c.mu.Unlock()
	for _, client := range slices.Sorted(maps.Keys(clients)) {
		more := clients[client].more
		if len(more) == 0 {
			continue
		}
		lines, kinds := 0, make([]string, 0, len(more))
		for _, name := range slices.Sorted(maps.Keys(more)) {
			lines += more[name]
			kinds = append(kinds, fmt.Sprintf("%s %d", name, more[name]))
		}
		c.to.LogAttrs(context.Background(), clients[client].level, "log lines were left out", slog.String("client", client), slog.Int("lines", lines), slog.String("kinds", strings.Join(kinds, ", ")))
	}
}

// network returns the address of an IPv4 client, and the network of an IPv6 client, who
// has many addresses.
func network(client string) string {
	a, err := netip.ParseAddr(client)
	switch a = a.Unmap(); {
	case err != nil:
		return client
	case a.Is4():
		return a.String()
	}
	p, _ := a.Prefix(64)
	return p.String()
}
