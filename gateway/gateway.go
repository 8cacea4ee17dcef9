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
// Every error is, or wraps, a [sqlgen.Fault], except an error of the function
// passed to Query, which Query returns unchanged.
type Database interface {
	// Dialect returns how statements for this database are written.
	Dialect() *sqlgen.Dialect

	// Describe reads the schema of a table or view of the configured schema. It
	// finds the name as it is spelled, or without regard to case.
	Describe(ctx context.Context, table string) (*sqlgen.Table, error)

	// Keys lists the unique keys of a table by which equality finds one row, each as
	// the names of its columns, the primary key first.
	Keys(ctx context.Context, t *sqlgen.Table) ([][]string, error)

	// Query runs a statement that returns rows and calls row for each: the text
	// of every column, nil for NULL. The columns are valid until row returns.
	Query(ctx context.Context, s sqlgen.Statement, row func(columns [][]byte) error) error

	// Exec runs a statement that changes rows and returns how many rows matched,
	// changed or not (P8).
	Exec(ctx context.Context, s sqlgen.Statement) (affected int64, err error)
}

// A StaleReader is a [Database] that keeps rows for the time in which it is
// unavailable. A response made of them has the header X-Dbsep-Stale with their age in
// seconds.
type StaleReader interface {
	// StaleRows returns the rows that the database returned for a statement
	// before. failure is the error of Query, which has returned no row. ok is
	// false where the failure is another one, or no such rows are kept.
	StaleRows(s sqlgen.Statement, failure error) (rows StaleRows, ok bool)
}

// StaleRowsOf returns the stale rows of a database, if it keeps any: for a Database around
// another one.
func StaleRowsOf(db Database, s sqlgen.Statement, failure error) (rows StaleRows, ok bool) {
	if r, keeps := db.(StaleReader); keeps {
		return r.StaleRows(s, failure)
	}
	return StaleRows{}, false
}

// StaleRows are rows that a database returned some time ago.
type StaleRows struct {
	Age time.Duration

	// Each calls row for each of them, as [Database].Query does.
	Each func(row func(columns [][]byte) error) error
}

// Options are a gateway's settings. The zero value suits Asterisk.
type Options struct {
	// Log takes one line for each failed request. Nil: slog.Default().
	Log *slog.Logger

	// TableOptions returns the options of a table, whose name is in the database's
	// spelling. Nil: the zero value for every table.
	TableOptions func(table string) TableOptions

	// Authorizer decides which clients may do what. Nil: every client may do
	// everything.
	Authorizer Authorizer

	// Alter runs a statement that adds a column, for [AddMissing]. Nil: none is added.
	Alter func(ctx context.Context, statement string) error

	// Observe, if it is not nil, is called at the end of every request.
	Observe func(Event)

	// Slow is how long a request may take without a line in the log. Zero: one
	// second.
	Slow time.Duration

	// MaxBodyBytes and MaxFields limit a request, MaxColumns a table, MaxRows a response.
	// Zero: 4 MiB, 512, 2000 and a million.
	MaxBodyBytes int64
	MaxFields    int
	MaxColumns   int
	MaxRows      int

	// BodyMemory limits the memory for request bodies, and ResponseMemory that for
	// responses and large rows. Gateways may share them. Nil: 64 MiB each.
	BodyMemory     *ByteBudget
	ResponseMemory *ByteBudget

	// StatementTimeout limits how long the database may take for a count, for a
	// first row, and for each further chunk of a response. Zero: 10 seconds.
	StatementTimeout time.Duration

	// WriteTimeout limits how long a client may take to accept one chunk of a
	// response. Zero: 30 seconds.
	WriteTimeout time.Duration

	// LongReads is how many queries for responses longer than a chunk may run at a time,
	// and LongReadWait how long a further response waits for its turn. Those that wait for
	// the same share a query. Zero: 8, and 5 seconds.
	LongReads    int
	LongReadWait time.Duration

	// SlowReaderTimeout is how long a response may keep its connection to the database
	// only because its client does not read. The rest of it then waits in memory. If
	// ResponseMemory is used up, a client that has not read for so long is
	// disconnected. Zero: one second.
	SlowReaderTimeout time.Duration

	// SchemaTTL is how long the schema of a table may be used that cannot be read again.
	// Zero: one minute.
	SchemaTTL time.Duration
}

// The WriteTimeout, BodyMemory and ResponseMemory where none is set.
const (
	defaultWriteTimeout = 30 * time.Second
	defaultMemory       = 64 << 20
)

// A Gateway responds to realtime requests from a database. It is safe for use by
// many goroutines.
type Gateway struct {
	db        Database
	schemas   schemaCache
	log       *slog.Logger
	longReads longReads
	adding    chan struct{} // has the request that adds columns
	Options
}

var _ http.Handler = (*Gateway)(nil)

// New returns a gateway to a database. If the database is a [StaleReader], the gateway
// uses its stale rows.
func New(db Database, o Options) *Gateway {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Slow = cmp.Or(o.Slow, time.Second)
	o.MaxBodyBytes = cmp.Or(o.MaxBodyBytes, 4<<20)
	o.MaxFields = cmp.Or(o.MaxFields, 512)
	o.MaxColumns = cmp.Or(o.MaxColumns, 2000)
	o.MaxRows = cmp.Or(o.MaxRows, 1000000)
	o.BodyMemory = cmp.Or(o.BodyMemory, NewByteBudget(defaultMemory))
	o.ResponseMemory = cmp.Or(o.ResponseMemory, NewByteBudget(defaultMemory))
	o.StatementTimeout = cmp.Or(o.StatementTimeout, 10*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, defaultWriteTimeout)
	o.LongReads = cmp.Or(o.LongReads, 8)
	o.LongReadWait = cmp.Or(o.LongReadWait, 5*time.Second)
	o.SlowReaderTimeout = cmp.Or(o.SlowReaderTimeout, time.Second)
	o.SchemaTTL = cmp.Or(o.SchemaTTL, time.Minute)
	if o.TableOptions == nil {
		o.TableOptions = func(string) TableOptions { return TableOptions{} }
	}
	g := &Gateway{
		db:        db,
		schemas:   schemaCache{db: db, ttl: o.SchemaTTL, maxColumns: o.MaxColumns, options: o.TableOptions, timeout: o.StatementTimeout, now: time.Now},
		log:       o.Log,
		adding:    make(chan struct{}, 1),
		longReads: longReads{slots: make(chan struct{}, o.LongReads)},
		Options:   o,
	}
	return g
}

// ServeHTTP responds to one request. The last two segments of its path are a table
// and an operation, whatever precedes them. There are no redirects.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.serve(w, r, g.handle) }

// Refuse responds to a request with an error, and logs and counts it like an error
// of the gateway itself.
func (g *Gateway) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	g.serve(w, r, func(*http.Request, *request, *response) error { return err })
}

// serve responds to a request with what handle writes, or with its error.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, handle func(*http.Request, *request, *response) error) {
	req := newRequest(r)
	defer req.release()
	resp := newResponse(w, req, g.WriteTimeout)
	resp.memory = share{budget: g.ResponseMemory}
	resp.patience, resp.waitLeft = g.SlowReaderTimeout, g.SlowReaderTimeout
	defer resp.release()
	defer g.observe(r, req, resp)
	defer g.recoverPanic(r, req, resp)
	if err := handle(r, req, resp); err != nil {
		g.fail(r, req, resp, err)
	}
}

// handle authorizes the client, reads the request, runs its operation and sends
// the response. A client that is refused learns nothing else about its request.
func (g *Gateway) handle(r *http.Request, req *request, resp *response) (err error) {
	if req.client, err = g.authorize(r); err != nil {
		return err
	}
	if req.pathError != nil {
		return req.pathError
	}
	if err := g.read(r, req); err != nil {
		return err
	}
	if err := g.run(r.Context(), req, resp); err != nil {
		return err
	}
	return resp.finish()
}

// run runs the operation of a request on its table. If it fails because the cached
// schema may be outdated, it reads the schema again and retries once. Nothing has
// happened by then: a statement with a name that does not exist does not start.
func (g *Gateway) run(ctx context.Context, req *request, resp *response) error {
	t, err := g.schemas.get(ctx, req.table)
	if err != nil {
		return err
	}
	err = g.runOn(ctx, req, t, resp)
	if err == nil || !mayBeOutdatedSchema(err) || resp.started {
		return err
	}
	if t, err = g.schemas.refresh(ctx, req.table, t, err); err != nil {
		return err
	}
	req.schemaIsFresh, req.adjustments, req.notes = true, nil, nil
	req.explanation.restart()
	return g.runOn(ctx, req, t, resp)
}

// runOn runs the operation of a request on those columns of a table that its client
// may use.
func (g *Gateway) runOn(ctx context.Context, req *request, t *table, resp *response) error {
	req.realTable = t.Name
	t, err := t.visibleTo(req.client, req.operation)
	if err != nil {
		return err
	}
	req.explanation.table(t)
	return t.hideColumns(req.operation.run(g, ctx, req, t, resp))
}

// mayBeOutdatedSchema reports whether an outdated schema would explain an error.
func mayBeOutdatedSchema(err error) bool {
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

// query runs a statement and writes its rows to the response.
//
// A response longer than a chunk needs a slot of longReads. A statement whose last
// response was long waits for its slot before it uses the database, and shares its query
// with requests that wait for the same. Any other statement starts at once. If its response
// becomes long and no slot is free, the query ends, with nothing sent, and waits like the
// others.
func (g *Gateway) query(ctx context.Context, s sqlgen.Statement, resp *response) error {
	if !g.longReads.expects(s.SQL) {
		err := g.readAlone(ctx, s, resp)
		if err != errNoSlot { //nolint:errorlint // Query returns it unchanged
			return err
		}
		resp.begin(resp.kind, resp.values, resp.names, resp.keys)
	}
	return g.readShared(ctx, s, resp)
}

// readAlone runs a statement for one response.
func (g *Gateway) readAlone(ctx context.Context, s sqlgen.Statement, resp *response) error {
	resp.slot = g.longReads.slotFor(s.SQL)
	defer resp.slot.release()
	return g.queryRows(ctx, s, &resp.encoder, resp)
}

// queryRows runs a statement and encodes its rows, or stale rows where the database is
// unavailable. The statement timeout starts again with each chunk.
func (g *Gateway) queryRows(ctx context.Context, s sqlgen.Statement, e *encoder, to interface{ sendChunk() error }) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := time.AfterFunc(g.StatementTimeout, func() { cancel(context.DeadlineExceeded) })
	defer timeout.Stop()

	sendChunk := func() error {
		if err := e.slot.acquire(); err != nil {
			return err
		}
		timeout.Stop()
		defer timeout.Reset(g.StatementTimeout)
		return to.sendChunk()
	}
	writeRow := func(columns [][]byte) error {
		if e.rows >= g.MaxRows {
			return &Error{Code: TooManyRows}
		}
		if err := e.addRow(columns); err != nil || !e.full() {
			return err
		}
		return sendChunk()
	}
	hasRows := false
	row := func(columns [][]byte) error {
		hasRows = true
		err := writeRow(columns)
		if err != nil {
			cancel(err) // or the driver would read the remaining rows
		}
		return err
	}

	err := g.db.Query(ctx, s, row)
	if err == nil || hasRows {
		return err
	}
	stale, ok := StaleRowsOf(g.db, s, err)
	if !ok {
		return err
	}
	e.isStale, e.age = true, stale.Age
	return stale.Each(row)
}

// exec runs a statement that changes rows. It continues when the client
// disconnects: a client that retries must find the change done or not started
// (P20).
func (g *Gateway) exec(ctx context.Context, t *table, s sqlgen.Statement) (int64, error) {
	s.Lenient = t.Lenient
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.StatementTimeout)
	defer cancel()
	return g.db.Exec(ctx, s)
}
