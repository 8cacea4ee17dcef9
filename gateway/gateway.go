package gateway

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"dbsep/sqlgen"
)

// A Database is what the gateway needs of a database.
//
// Every error is, or wraps, a [sqlgen.Fault], except one that the function
// given to Query returned, which comes back as it is.
type Database interface {
	// Dialect tells how statements for this database are spelled.
	Dialect() *sqlgen.Dialect

	// Describe reads the description of a real table or view of the configured
	// schema, found in its own spelling or else without regard to case.
	Describe(ctx context.Context, table string) (*sqlgen.Table, error)

	// Query runs a statement that returns rows and gives each to row: the text
	// of every column, nil for NULL. The columns are valid until row returns.
	Query(ctx context.Context, s sqlgen.Statement, row func(columns [][]byte) error) error

	// Exec runs a statement that changes rows and counts those it matched,
	// changed or not (P8).
	Exec(ctx context.Context, s sqlgen.Statement) (affected int64, err error)
}

// Options are a gateway's settings. The zero value is what Asterisk wants.
type Options struct {
	// Log takes one line for each failed request. Nil: slog.Default().
	Log *slog.Logger

	// RawSemicolons stores and reads ; and ^ as the Perl script did, instead of
	// as ^3B and ^5E like Asterisk's native drivers (P7).
	RawSemicolons bool

	// UnknownColumns says what becomes of a value for a column that the table
	// does not have.
	UnknownColumns Policy

	// ReplaceDuplicates lets store overwrite the row that has the same key.
	ReplaceDuplicates bool

	// Guard decides who may ask, and what. Nil: everybody may ask anything.
	Guard Guard

	// Observe, if it is not nil, is told of every request once it is answered.
	Observe func(Event)

	// AccessLog writes a line for every request, and one that took longer than
	// Slow leaves a line anyway. Zero: one second.
	AccessLog bool
	Slow      time.Duration

	// BodyBytes and Fields bound a request, Columns a table, Rows an answer.
	// Zero: 4 MiB, 512, 2000 and a million.
	BodyBytes int64
	Fields    int
	Columns   int
	Rows      int

	// StatementTimeout bounds how long the database may take for a count, for a
	// first row, and for each further piece of an answer. Zero: 10 seconds.
	StatementTimeout time.Duration

	// WriteTimeout bounds how long a client may take to accept one piece of an
	// answer. Zero: 30 seconds.
	WriteTimeout time.Duration

	// DescriptionAge is how long the description of a table is believed before
	// it is read again. Zero: one minute.
	DescriptionAge time.Duration
}

// A Policy says what becomes of a value for a column that the table does not have.
type Policy int

const (
	// ByOperation leaves it out of an update, with a warning, as long as a
	// known column remains, and refuses a store (P15).
	ByOperation Policy = iota
	Skip               // leave it out of both, with a warning
	Fail               // refuse both
)

// A Gateway answers realtime requests from a database. It is safe for use by
// many goroutines.
type Gateway struct {
	db     Database
	tables tables
	log    *slog.Logger
	Options
}

var _ http.Handler = (*Gateway)(nil)

// New returns a gateway to a database.
func New(db Database, o Options) *Gateway {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Slow = cmp.Or(o.Slow, time.Second)
	o.BodyBytes = cmp.Or(o.BodyBytes, 4<<20)
	o.Fields = cmp.Or(o.Fields, 512)
	o.Columns = cmp.Or(o.Columns, 2000)
	o.Rows = cmp.Or(o.Rows, 1000000)
	o.StatementTimeout = cmp.Or(o.StatementTimeout, 10*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 30*time.Second)
	o.DescriptionAge = cmp.Or(o.DescriptionAge, time.Minute)
	return &Gateway{
		db:      db,
		tables:  tables{db: db, age: o.DescriptionAge, columns: o.Columns, now: time.Now},
		log:     o.Log,
		Options: o,
	}
}

// ServeHTTP answers one request. Any path will do whose last two segments are
// a table and an operation; nothing is ever redirected.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	req, err := newRequest(r)
	out := newReply(w, req, g.WriteTimeout)
	defer out.release()
	defer func() { g.observe(r, req, out, begun) }()
	defer g.recoverPanic(r, req, out)
	if err = g.answer(r, req, out, err); err != nil {
		g.fail(r, req, out, err)
	}
}

// answer carries a request out and sends its answer. Who may not ask is told so
// before anything else.
func (g *Gateway) answer(r *http.Request, req *request, out *reply, misread error) (err error) {
	if req.client, err = g.admit(r); err != nil {
		return err
	}
	if misread != nil {
		return misread
	}
	if err := g.read(r, req); err != nil {
		return err
	}
	if err := g.run(r.Context(), req, out); err != nil {
		return err
	}
	return out.finish()
}

// run carries a request out. When the table turns out to be other than its
// description says, the description is read again and the request tried once
// more: nothing has happened by then, because a statement that names what is
// not there does not start.
func (g *Gateway) run(ctx context.Context, req *request, out *reply) error {
	t, err := g.tables.find(ctx, req.table)
	if err != nil {
		return err
	}
	err = g.runOn(ctx, req, t, out)
	if !misdescribed(err) || out.started {
		return err
	}
	if t, err = g.tables.refresh(ctx, req.table, t, err); err != nil {
		return err
	}
	req.settled, req.notes = true, nil
	return g.runOn(ctx, req, t, out)
}

// runOn carries a request out on a table as far as its client may see it.
func (g *Gateway) runOn(ctx context.Context, req *request, t *table, out *reply) error {
	req.found = t.Name
	t, err := t.seen(req.client, req.operation)
	if err != nil {
		return err
	}
	return req.operation.run(g, ctx, req, t, out)
}

// misdescribed tells whether a request failed in a way that a table changed
// behind its description would explain.
func misdescribed(err error) bool {
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) {
		return false
	}
	switch fault.Cause {
	case sqlgen.UnknownTable, sqlgen.UnknownColumn, sqlgen.UnknownOperator, sqlgen.Mismatch:
		return true
	}
	return false
}

// query runs a reading statement within the time allowed, which starts anew
// with each piece of the answer that the client accepted.
func (g *Gateway) query(ctx context.Context, s sqlgen.Statement, out *reply, row func(columns [][]byte) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := time.AfterFunc(g.StatementTimeout, func() { cancel(context.DeadlineExceeded) })
	defer clock.Stop()
	return g.db.Query(ctx, s, func(columns [][]byte) error {
		if out.rows >= g.Rows {
			return &Error{Code: TooManyRows}
		}
		if err := row(columns); err != nil {
			return err
		}
		if !out.full() {
			return nil
		}
		clock.Stop()
		err := out.flush()
		clock.Reset(g.StatementTimeout)
		return err
	})
}

// exec runs a changing statement within the time allowed. It goes on when the
// client goes away, since a client that asks again must find the work done or
// not begun (P20).
func (g *Gateway) exec(ctx context.Context, s sqlgen.Statement) (int64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.StatementTimeout)
	defer cancel()
	return g.db.Exec(ctx, s)
}
