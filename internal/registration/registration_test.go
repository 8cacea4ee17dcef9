package registration_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/internal/registration"
	"dbsep/sqlgen"
)

var dialect = &sqlgen.Dialect{
	Quote:       func(name string) string { return name },
	Placeholder: sqlgen.QuestionMark,
	Read:        func(_ *sqlgen.Column, quoted string) string { return quoted },
}

func table(name string, columns ...string) *sqlgen.Table {
	var all []sqlgen.Column
	for _, c := range columns {
		all = append(all, sqlgen.Column{Name: c})
	}
	return sqlgen.NewTable(name, all)
}

var (
	aors      = table("my_aors", "id", "contact", "max_contacts", "mailboxes")
	contacts  = table("my_contacts", "id", "uri", "expiration_time")
	endpoints = table("ps_endpoints", "id", "aors", "max_contacts")
)

// A database returns one row for each query, with the name of each column as its value.
type database struct{ gateway.Database }

func (database) Describe(_ context.Context, name string) (*sqlgen.Table, error) {
	return map[string]*sqlgen.Table{"my_aors": aors, "my_contacts": contacts, "ps_endpoints": endpoints}[name], nil
}

func (database) Query(_ context.Context, st sqlgen.Statement, row func(columns [][]byte) error) error {
	var columns [][]byte
	for _, c := range st.Columns() {
		columns = append(columns, []byte(c))
	}
	return row(columns)
}

// A guarded database, and what it takes writes with.
type guarded struct {
	*registration.Guard
	refusal error
	wait    time.Duration
	checks  int
	log     bytes.Buffer
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := new(guarded)
	g.Guard = registration.New(database{}, func(ctx context.Context) error {
		g.checks++
		select {
		case <-time.After(g.wait):
			return g.refusal
		case <-ctx.Done():
			return &sqlgen.Fault{Cause: sqlgen.Timeout, Err: ctx.Err()}
		}
	}, slog.New(slog.NewTextHandler(&g.log, nil)))
	for _, name := range []string{"my_aors", "my_contacts", "ps_endpoints"} {
		if _, err := g.Describe(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// read returns the row of a table.
func (g *guarded) read(t *testing.T, table *sqlgen.Table) (row string) {
	t.Helper()
	time.Sleep(time.Second) // of the test's own clock
	st, err := sqlgen.Single(dialect, table, []sqlgen.Field{{Name: "id", Value: "alice"}})
	if err != nil {
		t.Fatal(err)
	}
	err = g.Query(t.Context(), st, func(columns [][]byte) error {
		row = string(bytes.Join(columns, []byte(",")))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return row
}

func TestAORsTakeRegistrationsWhileContactsAreStored(t *testing.T) {
	const open, closed = "id,contact,max_contacts,mailboxes", "id,contact,,mailboxes"
	readOnly := &sqlgen.Fault{Cause: sqlgen.ReadOnly, Hint: "let it write"}
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t)
		want := func(when, want string) {
			t.Helper()
			if got := g.read(t, aors); got != want {
				t.Errorf("%s: %s, want %s", when, got, want)
			}
			if got := g.read(t, endpoints); got != "id,aors,max_contacts" {
				t.Errorf("%s: endpoints are %s", when, got)
			}
		}
		g.refusal = readOnly
		want("contacts are stored elsewhere", open)
		if g.checks > 0 {
			t.Errorf("%d checks", g.checks)
		}
		g.read(t, contacts)
		want("the database is read-only", closed)
		g.refusal = &sqlgen.Fault{Cause: sqlgen.Full}
		want("the disk is full", closed)
		g.refusal = nil
		want("it takes writes", open)
		for _, unclear := range []error{errors.New("another error"), &sqlgen.Fault{Cause: sqlgen.Unavailable}, &sqlgen.Fault{Cause: sqlgen.Busy}} {
			g.refusal = unclear
			want("it is not known", open)
		}
		g.refusal, g.wait = readOnly, time.Hour
		want("the check takes too long", open)
		if text := g.log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, `level=WARN msg="the database takes no writes: phones cannot register"`) || !strings.Contains(text, "phones can register") {
			t.Error(text)
		}
	})
}

func TestAClientThatMayNotReadTheColumn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t)
		g.read(t, contacts)
		g.refusal = &sqlgen.Fault{Cause: sqlgen.ReadOnly}
		if got := g.read(t, aors.Only(func(c *sqlgen.Column) bool { return c.Name != "max_contacts" })); got != "id,contact,mailboxes" {
			t.Error(got)
		}
	})
}
