package database

import (
	"cmp"
	"reflect"
	"time"
)

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

	// ReadFrom is read_replicas: servers that reads go to, as host or host:port with
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
// first statement does. (That a SQLite file exists is looked at nevertheless.)
//
// An unusable source gives all its mistakes at once, each a *[Problem], joined
// with [errors.Join].
func Open(s Source) (*DB, error) {
	s.complete()
	var f findings
	d, ok := parseDSN(s.DSN, &f)
	if !ok {
		return nil, f.err()
	}
	k := d.kind(&f)
	if k == nil {
		return nil, f.err()
	}
	others := d.common(&s, &f)
	o := &opening{Source: s, findings: &f, driver: d.driver, attributes: others, rest: d.rest}
	if k = k.resolved(o); k == nil {
		return nil, f.err()
	}
	if s.ReadFrom != "" && !k.hosts {
		o.refuse("read_replicas", "means nothing to "+k.name, "remove the line; it is for MariaDB, MySQL and PostgreSQL")
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = defaultBusyTimeout
	}
	p := k.open(o)
	if err := f.err(); err != nil {
		return nil, err
	}
	db := &DB{kind: k, address: p.address, account: p.account, scope: p.scope, patience: o.BusyTimeout, through: o.through, warnings: f.warnings, described: newMemory()}
	db.writes = newPool(p.writes, s.ConnectionWait)
	db.reads = db.writes
	if p.reads != nil {
		db.reads = newPool(p.reads, s.ConnectionWait)
	}
	return db, nil
}
