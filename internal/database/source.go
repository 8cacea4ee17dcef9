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

	// ReadFrom is read_from: servers that reads go to, as host or host:port with
	// commas between. Empty: the server of the DSN.
	ReadFrom string

	// ServerPrepare is server_prepare: statements stay prepared on a PostgreSQL
	// server.
	ServerPrepare bool

	MaxConnections int           // open at once; 0: a default that suits the kind
	ConnectionWait time.Duration // how long a statement waits for one of them; 0: 5 s
	ConnectTimeout time.Duration // for one connection, its login included; 0: 5 s
	BusyTimeout    time.Duration // how long a statement waits for a locked SQLite file; 0: what the DSN says, or 5 s
}

const (
	defaultConnectTimeout = 5 * time.Second
	defaultConnectionWait = 5 * time.Second
	defaultBusyTimeout    = 5 * time.Second
)

// Same tells whether two sources say the same. The environment is not looked at:
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
	s.ConnectionWait = cmp.Or(s.ConnectionWait, defaultConnectionWait)
}

// Open reads a source and makes its database ready. It does not connect: the
// first statement does. (Whether a SQLite file exists is checked nevertheless.)
//
// An unusable source gives all its mistakes at once, each a *[Problem], joined
// with [errors.Join].
func Open(s Source) (*DB, error) {
	var d Diagnostics
	o := newOpening(s, &d)
	if o == nil {
		return nil, d.Err()
	}
	p := o.kind.open(o)
	if p.openAs != nil {
		if o = o.as(*p.openAs); o != nil {
			p = o.kind.open(o)
		}
	}
	if s.ReadFrom != "" && o != nil && !o.kind.hosts {
		d.Refuse("read_from", "means nothing to "+o.kind.name, "remove the line; it is for MariaDB, MySQL and PostgreSQL")
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	db := &DB{
		kind: o.kind, address: p.address, account: p.account, through: o.InsteadOf, scope: p.scope,
		patience: cmp.Or(o.BusyTimeout, defaultBusyTimeout), warnings: d.Warnings, described: newMemory(),
	}
	db.writes = newPool(p.writes, o.ConnectionWait)
	db.reads = db.writes
	if p.reads != nil {
		db.reads = newPool(p.reads, o.ConnectionWait)
	}
	return db, nil
}

// newOpening reads what all databases have in common of a source. It returns nil
// where that is not usable.
func newOpening(s Source, d *Diagnostics) *opening {
	s.complete()
	name, ok := dsn.Parse(s.DSN, d)
	if !ok {
		return nil
	}
	return (&opening{Source: s, Diagnostics: d}).as(name)
}

// as returns the opening of the same source by another DSN, nil where dbsep does
// not have its driver.
func (o *opening) as(name dsn.DSN) *opening {
	k := find(&name, o.Diagnostics)
	if k == nil {
		return nil
	}
	other := &opening{Source: o.Source, Diagnostics: o.Diagnostics, DSN: name, kind: k}
	other.readAttributes()
	return other
}

// readAttributes takes the attributes that DBI itself knows.
func (o *opening) readAttributes() {
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
			// These tell Perl what to do with errors and buffers.
		default:
			others = append(others, a)
		}
	}
	o.Attributes = others
}
