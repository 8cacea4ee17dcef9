package database

import (
	"cmp"
	"reflect"
	"time"

	"dbsep/internal/database/dsn"
)

// A Problem is a mistake in a [Source], see [dsn.Problem].
type Problem = dsn.Problem

// Diagnostics are the problems of a [Source], see [dsn.Diagnostics].
type Diagnostics = dsn.Diagnostics

// A Source is what dbsep.conf says of a database. The zero value of every
// field but DSN is useful.
type Source struct {
	DSN      string // in DBI's form, as in "DBI:mysql:database=asterisk;host=localhost"
	User     string
	Password string

	// Schema is dbschema: on PostgreSQL the schema that has the tables, empty for
	// those that the connection's search_path leads to. A MySQL connection has one
	// schema, its database: another one here is ignored with a warning. SQLite has
	// none.
	Schema string

	// Environ looks up environment variables. With it an empty DSN, User or
	// Password is taken from DBI_DSN, DBI_USER and DBI_PASS, as DBI does.
	Environ func(string) string

	// ReadReplicas is read_replicas: servers that reads go to, as host or host:port with
	// commas between. Empty: the server of the DSN.
	ReadReplicas string

	// ServerPrepare is server_prepare: statements stay prepared on a PostgreSQL
	// server, until a pooler loses one.
	ServerPrepare bool

	// CreateFile says that a SQLite file that does not exist is made, without tables.
	CreateFile bool

	// Once says that the process serves one request: nothing is made ready for others.
	Once bool

	// ReadOnly says that nothing is changed: writes are refused, and queries of tables run in
	// transactions that are read-only.
	ReadOnly bool

	MaxConnections int           // open at once; 0: a default that suits the kind
	MaxRowBytes    int64         // of a row that is read; 0: no limit
	PoolTimeout    time.Duration // how long a statement waits for one of them; 0: 5 s
	ConnectTimeout time.Duration // for one connection, its login included; 0: 5 s
	BusyTimeout    time.Duration // how long a statement waits for a locked SQLite file; 0: what the DSN says, or 5 s
}

const (
	defaultConnectTimeout = 5 * time.Second
	defaultPoolTimeout    = 5 * time.Second
)

// DefaultBusyTimeout is how long a statement waits for a locked file where the
// source sets no time.
const DefaultBusyTimeout = 5 * time.Second

// Same reports whether two sources are the same. The environment is not compared:
// a process does not change its own.
func (s Source) Same(other Source) bool {
	s.Environ, other.Environ = nil, nil
	return reflect.DeepEqual(s, other)
}

// complete fills what a source leaves open.
func (s *Source) complete() {
	if s.Environ == nil {
		s.Environ = func(string) string { return "" }
	}
	fall := func(value *string, variables ...string) {
		for _, v := range variables {
			if *value == "" {
				*value = s.Environ(v)
			}
		}
	}
	fall(&s.DSN, "DBI_DSN", "DBI_DBNAME")
	fall(&s.User, "DBI_USER")
	fall(&s.Password, "DBI_PASS")
	s.PoolTimeout = cmp.Or(s.PoolTimeout, defaultPoolTimeout)
}

// Open reads a source and makes its database ready. It does not connect: the
// first statement does. (Whether a SQLite file exists is checked nevertheless.)
//
// An unusable source gives all its mistakes at once, each a *[Problem], joined
// with [errors.Join].
func Open(s Source) (*DB, error) {
	var d Diagnostics
	o := NewOpenContext(s, &d)
	if o == nil {
		return nil, d.Err()
	}
	p := o.driver.Open(o)
	if p.OpenAs != nil {
		if o = o.as(*p.OpenAs); o != nil {
			p = o.driver.Open(o)
		}
	}
	if s.ReadReplicas != "" && o != nil && !o.driver.ReadReplicas {
		d.Refuse("read_replicas", "means nothing to "+o.driver.Name, "remove the line; it is for MariaDB, MySQL and PostgreSQL")
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	db := &DB{
		driver: o.driver, address: p.Address, account: p.Account, through: o.InsteadOf, created: p.Created, scope: p.Scope, schema: p.Schema,
		lockTimeout: cmp.Or(o.BusyTimeout, DefaultBusyTimeout), maxRowBytes: o.MaxRowBytes, readOnly: s.ReadOnly, warnings: d.Warnings,
	}
	db.writes = newPool(p.Writes, o.PoolTimeout)
	db.reads = db.writes
	if p.Reads != nil {
		db.reads = newPool(p.Reads, o.PoolTimeout)
	}
	if o.driver.BatchesReads {
		db.batches = newBatches(db.reads.MaxOpen)
	}
	return db, nil
}

// An OpenContext is a source being read by its [Driver].
type OpenContext struct {
	Source
	*Diagnostics
	dsn.DSN // what Source.DSN is split into, or was translated to

	driver *Driver
}

// Pools are a source made ready.
type Pools struct {
	// OpenAs is the DSN of another driver, which opens the source instead; nil for
	// none. Nothing else counts then.
	OpenAs *dsn.DSN

	Address       string      // where the database is, without secrets
	Account       string      // that logs in there; empty for a database without accounts
	Reads, Writes *PoolConfig // Reads may be nil, then Writes serves both
	Scope         []any       // arguments that TablesSQL and ColumnsSQL need; mostly none
	Created       bool        // whether the file was made for CreateFile
	Schema        string      // that has the tables, where ColumnsSQL does not say so; empty: not known
}

// NewOpenContext reads what all databases have in common of a source. It returns
// nil where that is not usable.
func NewOpenContext(s Source, d *Diagnostics) *OpenContext {
	s.complete()
	name, ok := dsn.Parse(s.DSN, d)
	if !ok {
		return nil
	}
	return (&OpenContext{Source: s, Diagnostics: d}).as(name)
}

// as returns the context for the same source by another DSN, nil where this build
// does not have its driver.
func (o *OpenContext) as(name dsn.DSN) *OpenContext {
	d := find(&name, o.Diagnostics)
	if d == nil {
		return nil
	}
	other := &OpenContext{Source: o.Source, Diagnostics: o.Diagnostics, DSN: name, driver: d}
	other.readAttributes()
	return other
}

// LoginTimeout is the limit of one connection and its login.
func (o *OpenContext) LoginTimeout() time.Duration {
	return cmp.Or(o.ConnectTimeout, defaultConnectTimeout)
}

// readAttributes takes the attributes that DBI itself knows.
func (o *OpenContext) readAttributes() {
	var others []dsn.Setting
	for _, a := range o.Attributes {
		switch a.Name {
		case "Username":
			o.User = a.Value
		case "Password":
			o.Password = a.Value
		case "AutoCommit":
			if !dsn.IsTrue(a.Value) {
				o.Warn("dsn", "sets AutoCommit=>0, with which the Perl script lost every change", "remove it; dbsep keeps every change")
			}
		case "RaiseError", "PrintError", "PrintWarn", "HandleError", "ShowErrorStatement", "TraceLevel", "Trace",
			"LongReadLen", "LongTruncOk", "ChopBlanks", "FetchHashKeyName", "Warn", "Taint", "TaintIn", "TaintOut":
			// These set what Perl does with errors and buffers.
		default:
			others = append(others, a)
		}
	}
	o.Attributes = others
}
