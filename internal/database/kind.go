package database

import (
	"sort"
	"time"

	"dbsep/sqlgen"
)

// A kind is one kind of database: all that the rest of the package needs to
// know of it.
//
// How to add a database:
//
//  1. Write one file, named after it, beside sqlite.go. Import its
//     database/sql driver there and nowhere else.
//  2. Fill a kind in a variable. Every field says what it is for; those marked
//     "may be nil" are for databases that need them. dialect comes first: it is
//     where databases differ most, and sqlgen.Dialect explains its fields.
//  3. In open, read the part of the DSN after "DBI:driver:" as the Perl driver
//     did. Refuse what cannot be understood with opening.refuse and go on
//     reading, so that all mistakes are told at once; opening.warn of what
//     means something else than it meant to Perl. Do not connect. Build the
//     driver's own configuration and a driver.Connector, never a DSN text with
//     a password in it, and hand it to connecting, which bounds the login;
//     opening.served adds what a server needs that may be away. The driver's
//     statements must be driver.StmtQueryContext and driver.StmtExecContext,
//     and the bytes of a row may be its own memory until the next one.
//  4. Give the dialect a Read that brings back each column's text as the Perl
//     driver printed it. Numbers may come as Go numbers: text.go prints
//     them. time.Time and bool must not come, their text is lost.
//  5. In fault, tell errors apart by the driver's types and numbers.
//  6. Call register in the file's init. There is no other list.
//  7. Call databasetest.Run in a test. It holds all that has to be the same
//     on every database. What is special gets tests of its own beside it.
//
// When in doubt, fail: a request that is refused can be mended, a row that is
// wrong is believed.
type kind struct {
	name    string   // for people: "SQLite"
	drivers []string // names of DBI drivers in their spelling, each meaning this kind

	dialect *sqlgen.Dialect

	// resolve is for a kind that may stand for others. It returns the DBI driver
	// whose kind opens the source in its place, once it has put into the opening
	// what that kind reads; empty where it opens the source itself. May be nil.
	resolve func(o *opening) (driver string)

	// open reads the driver's part of the DSN and prepares the pools. What it
	// returns does not count once it has refused anything.
	open func(o *opening) pools

	probe   string // SQL that shows whether the database answers
	version string // SQL that reads the version as one text

	// tables is SQL that lists the names of the tables and views of the schema
	// that the DSN means, and of no other. Its arguments are pools.scope.
	tables string

	// columns are SQL texts tried one after another until one finds a table.
	// Each gets the table's name as an argument, then pools.scope, and reads, in
	// the order of tables and columns: the table's name, the column's name, its
	// type as declared, its width in characters or NULL, and 1 where it takes
	// NULL. Where names in statements need it, the schema follows.
	// The last one compares without regard to case.
	columns []string

	// keys is SQL that lists the unique keys of a table by which equality finds one
	// row: the key's name, a column's name, the columns of a key one after another
	// and the primary key first. A column that is none, or counts in part, is NULL.
	// Its arguments are the table's name and its schema, as far as columns reads
	// one. Empty where keys are not known.
	keys string

	// classify reads a declared type.
	classify func(declared string, characters int) (class sqlgen.Class, size int, unsigned bool)

	// fault tells the cause of an error of the driver, and what mends it where
	// that is known. An error it does not know is sqlgen.Unexpected.
	fault func(err error) (cause sqlgen.Cause, remedy string)

	// vague says of an error that it may mean a table or column that is gone;
	// then the schema is asked. May be nil, for drivers that tell.
	vague func(err error) bool

	// again says of an error that the statement did nothing and is worth trying
	// again: after a while where the file is locked, at once where wait is false.
	// May be nil.
	again func(err error) (again, wait bool)

	// severed says of an error that the server ended the connection with it. Those
	// of the network and driver.ErrBadConn are known without it. May be nil.
	severed func(err error) bool

	// elsewhere says of an error, beside those that are sqlgen.ReadOnly, that the
	// statement did nothing because another server is to be asked. May be nil.
	elsewhere func(err error) bool

	// hosts says that [database] read_replicas may name servers.
	hosts bool
}

// kinds are the databases that there are, each registered by its own file.
var kinds []*kind

func register(k *kind) { kinds = append(kinds, k) }

func driverNames() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.drivers...)
	}
	sort.Strings(names)
	return names
}

// An opening is a source being read by its kind.
type opening struct {
	Source
	*findings
	driver     string      // as registered
	attributes []attribute // those that are the driver's own
	rest       string      // of the DSN, after the driver's name

	// What a kind that stands for another leaves for it: the attributes above,
	// which then have the names that the other's DSN has for its parts, and these.
	through string // what the DSN itself names, for people; empty for no such kind
	command string // SQL for each new connection
}

// resolved is the kind that opens a source: k itself, or the one that it stands
// for. It is nil once something has been refused.
func (k *kind) resolved(o *opening) *kind {
	if k.resolve == nil {
		return k
	}
	driver := k.resolve(o)
	switch {
	case len(o.problems) > 0:
		return nil
	case driver == "":
		return k
	}
	o.driver, o.rest = driver, ""
	return (&dsn{driver: driver}).kind(o.findings)
}

// connectTimeout is the bound of one connection and its login.
func (o *opening) connectTimeout() time.Duration {
	if o.ConnectTimeout == 0 {
		return defaultConnectTimeout
	}
	return o.ConnectTimeout
}

// pools are a source made ready. Reads may be nil, then writes serve both.
type pools struct {
	address       string // where the database is, without secrets
	account       string // that logs in there; empty where nobody does
	reads, writes *connections
	scope         []any // what the kind's tables and columns need to know besides; mostly nothing
}
