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

	// Keys lists the unique keys of a table by which equality finds one row, each as
	// the names of its columns, the primary key first.
	Keys(ctx context.Context, t *sqlgen.Table) ([][]string, error)

	// Query runs a statement that returns rows and gives each to row: the text
	// of every column, nil for NULL. The columns are valid until row returns.
	Query(ctx context.Context, s sqlgen.Statement, row func(columns [][]byte) error) error

	// Exec runs a statement that changes rows and counts those it matched,
	// changed or not (P8).
	Exec(ctx context.Context, s sqlgen.Statement) (affected int64, err error)
}

// A StaleReader is a [Database] that keeps rows for the time in which it is
// unavailable. The gateway marks a response made of them.
type StaleReader interface {
	// StaleRows returns the rows that the database returned for a statement
	// before. failure is the error of Query, which has returned no row. ok is
	// false where the failure is another one, or no such rows are kept.
	StaleRows(s sqlgen.Statement, failure error) (rows StaleRows, ok bool)
}

// StaleRows are rows that a database returned some time ago.
type StaleRows struct {
	Age time.Duration

	// Each calls row for each of them, as [Database].Query does.
	Each func(row func(columns [][]byte) error) error
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

	// Lenient reports whether the database may store a value that does not fit its
	// column of a table as something else, where its own settings say so. Nil: never.
	Lenient func(table string) bool

	// Authorizer decides which clients may do what. Nil: every client may do
	// everything.
	Authorizer Authorizer

	// Observe, if it is not nil, is told of every request once it is answered.
	Observe func(Event)

	// Slow is how long a request may take without leaving a line in the log.
	// Zero: one second.
	Slow time.Duration

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

	// LongAnswers is how many answers may be read from the database at a time that
	// are more than a piece, and LongWait how long a further one waits for that.
	// Zero: 8, and 5 seconds.
	LongAnswers int
	LongWait    time.Duration

	// HoldTimeout is how long an answer may keep its connection to the database
	// only because its client does not read; what is left of it then waits in
	// memory, of which all such answers together have MemoryBytes. Zero: one
	// second, and 16 MiB.
	HoldTimeout time.Duration
	MemoryBytes int64

	// DescriptionAge is how long the description of a table is believed before
	// it is read again. Zero: one minute.
	DescriptionAge time.Duration
}

// defaultWriteTimeout is the WriteTimeout where none is set.
const defaultWriteTimeout = 30 * time.Second

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
	stale  StaleReader // nil: the database keeps no rows
	tables tables
	log    *slog.Logger
	long   long
	memory memory
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
	o.WriteTimeout = cmp.Or(o.WriteTimeout, defaultWriteTimeout)
	o.LongAnswers = cmp.Or(o.LongAnswers, 8)
	o.LongWait = cmp.Or(o.LongWait, 5*time.Second)
	o.HoldTimeout = cmp.Or(o.HoldTimeout, time.Second)
	o.MemoryBytes = cmp.Or(o.MemoryBytes, 16<<20)
	o.DescriptionAge = cmp.Or(o.DescriptionAge, time.Minute)
	g := &Gateway{
		db:      db,
		tables:  tables{db: db, age: o.DescriptionAge, columns: o.Columns, timeout: o.StatementTimeout, now: time.Now},
		log:     o.Log,
		long:    long{places: make(chan struct{}, o.LongAnswers), wait: o.LongWait},
		Options: o,
	}
	g.stale, _ = db.(StaleReader)
	g.memory.give(int(o.MemoryBytes))
	return g
}

// ServeHTTP answers one request. Any path will do whose last two segments are
// a table and an operation; nothing is ever redirected.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.serve(w, r, nil) }

// Refuse responds to a request with an error, and logs and counts it, as if the
// gateway had found the error itself.
func (g *Gateway) Refuse(w http.ResponseWriter, r *http.Request, err error) { g.serve(w, r, err) }

// serve answers a request, with an error where there is one already.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, refused error) {
	begun := time.Now()
	req, err := newRequest(r)
	out := newReply(w, req, g.WriteTimeout)
	defer out.release()
	defer func() { g.observe(r, req, out, begun) }()
	defer g.recoverPanic(r, req, out)
	if refused == nil {
		refused = g.answer(r, req, out, err)
	}
	if refused != nil {
		g.fail(r, req, out, refused)
	}
}

// answer carries a request out and sends its answer. Who may not ask is told so
// before anything else.
func (g *Gateway) answer(r *http.Request, req *request, out *reply, misread error) (err error) {
	if req.client, err = g.authorize(r); err != nil {
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
	if err == nil || !misdescribed(err) || out.started {
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
	t, err := t.visibleTo(req.client, req.operation)
	if err != nil {
		return err
	}
	return t.hideColumns(req.operation.run(g, ctx, req, t, out))
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

// query runs a reading statement and writes its rows. Where the answer turns out
// to be long and there is no place for one, it begins anew once there is.
func (g *Gateway) query(ctx context.Context, s sqlgen.Statement, out *reply, row func(columns [][]byte) error) error {
	placed := false
	defer func() {
		if placed {
			g.long.learn(s.SQL, out.started)
			g.long.leave()
		}
	}()
	if !g.long.expects(s.SQL) {
		err := g.queryRows(ctx, s, out, row, func() error {
			if placed = g.long.enter(); !placed {
				return errNoPlace
			}
			return nil
		})
		if err != errNoPlace { //nolint:errorlint // Query returns it as it is
			return err
		}
		g.long.learn(s.SQL, true)
		out.begin(out.form, out.names, out.keys)
	}
	if err := g.long.await(ctx); err != nil {
		return err
	}
	placed = true
	return g.queryRows(ctx, s, out, row, func() error { return nil })
}

// queryRows runs a reading statement within the time allowed, which starts anew
// with each piece of the answer that is handed on. It calls enter before the first.
func (g *Gateway) queryRows(ctx context.Context, s sqlgen.Statement, out *reply, row func(columns [][]byte) error, enter func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := time.AfterFunc(g.StatementTimeout, func() { cancel(context.DeadlineExceeded) })
	defer clock.Stop()
	next := func(columns [][]byte) error {
		if out.rows >= g.Rows {
			return &Error{Code: TooManyRows}
		}
		if err := row(columns); err != nil || !out.full() {
			return err
		}
		if !out.started {
			if err := enter(); err != nil {
				return err
			}
		}
		clock.Stop()
		err := out.hand(&g.memory, g.HoldTimeout)
		clock.Reset(g.StatementTimeout)
		return err
	}
	begun := false
	each := func(columns [][]byte) error {
		begun = true
		err := next(columns)
		if err != nil {
			cancel(err) // or the driver would read the remaining rows
		}
		return err
	}
	err := g.db.Query(ctx, s, each)
	if err == nil || begun || g.stale == nil {
		return err
	}
	stale, ok := g.stale.StaleRows(s, err)
	if !ok {
		return err
	}
	out.isStale, out.stale = true, stale.Age
	return stale.Each(each)
}

// exec runs a changing statement within the time allowed. It goes on when the
// client goes away, since a client that asks again must find the work done or
// not begun (P20).
func (g *Gateway) exec(ctx context.Context, s sqlgen.Statement) (int64, error) {
	s.Lenient = g.Lenient != nil && g.Lenient(s.Table)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.StatementTimeout)
	defer cancel()
	return g.db.Exec(ctx, s)
}
