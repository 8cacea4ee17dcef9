// Package registration keeps phones from being told that they are registered while their
// contacts cannot be stored.
//
// Asterisk reads the AOR of a phone that registers, stores the phone's contact, and confirms
// the registration whether it is stored or not. So while the database takes no writes, the
// rows of AORs come without max_contacts. Asterisk then refuses to register phones (403),
// and still calls the contacts that it knows.
package registration

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dbsep/gateway"
	"dbsep/internal/asterisk"
	"dbsep/sqlgen"
)

// A Guard is a database whose AORs take registrations only while it takes writes. It does
// nothing in a database whose contacts nobody asks for: they are elsewhere.
type Guard struct {
	gateway.Database
	writable func(ctx context.Context) error
	log      *slog.Logger

	kinds    atomic.Pointer[map[string]kind] // by the name of the table; never changed but replaced
	contacts atomic.Bool

	mu      sync.Mutex // also for a new map in kinds
	checked time.Time
	refused bool
}

// A kind is what a table has.
type kind int

const (
	other kind = iota
	aors
	contacts
)

// maxAge is for how long the result of a check is used: one registration reads its AOR
// several times.
const maxAge = 10 * time.Millisecond

// checkTimeout limits a check. If it takes longer, the store of a contact decides.
const checkTimeout = time.Second

// New returns a guard of a database. writable reports why the database takes no writes.
func New(db gateway.Database, writable func(ctx context.Context) error, log *slog.Logger) *Guard {
	g := &Guard{Database: db, writable: writable, log: log}
	g.kinds.Store(&map[string]kind{})
	return g
}

// Describe returns the schema of a table.
func (g *Guard) Describe(ctx context.Context, name string) (*sqlgen.Table, error) {
	t, err := g.Database.Describe(ctx, name)
	if err == nil && kindOf(t) != (*g.kinds.Load())[t.Name] {
		g.mu.Lock()
		defer g.mu.Unlock()
		kinds := maps.Clone(*g.kinds.Load())
		kinds[t.Name] = kindOf(t)
		g.kinds.Store(&kinds)
	}
	return t, err
}

func kindOf(t *sqlgen.Table) kind {
	switch {
	case asterisk.HasContacts(t):
		return contacts
	case asterisk.HasAORs(t):
		return aors
	}
	return other
}

// Query queries the database.
func (g *Guard) Query(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error) error {
	switch kind := (*g.kinds.Load())[st.Table]; {
	case kind == contacts && !g.contacts.Load():
		g.contacts.Store(true)
	case kind == aors && g.contacts.Load() && g.refuses(ctx):
		return g.Database.Query(ctx, st, withoutRegistrations(st, row))
	}
	return g.Database.Query(ctx, st, row)
}

// StaleRows returns those of the database.
func (g *Guard) StaleRows(st sqlgen.Statement, failure error) (rows gateway.StaleRows, ok bool) {
	return gateway.StaleRowsOf(g.Database, st, failure)
}

// withoutRegistrations passes rows of AORs that take no registrations.
func withoutRegistrations(st sqlgen.Statement, row func(columns [][]byte) error) func(columns [][]byte) error {
	at := st.Position(asterisk.AORMaxContacts)
	return func(columns [][]byte) error {
		if at >= 0 {
			columns = slices.Clone(columns)
			columns[at] = nil
		}
		return row(columns)
	}
}

// refuses reports whether the database takes no writes now.
func (g *Guard) refuses(ctx context.Context) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.checked) < maxAge {
		return g.refused
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := g.writable(ctx)
	var fault *sqlgen.Fault
	refused := errors.As(err, &fault) && (fault.Cause == sqlgen.ReadOnly || fault.Cause == sqlgen.Full)
	switch {
	case refused && !g.refused:
		g.log.Warn("the database takes no writes: phones cannot register", slog.String("cause", err.Error()), slog.String("hint", fault.Hint))
	case !refused && g.refused:
		g.log.Info("the database takes writes again: phones can register")
	}
	g.refused, g.checked = refused, time.Now()
	return refused
}
