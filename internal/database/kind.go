package database

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"dbsep/internal/database/dsn"
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

	// hosts says that [database] read_from may name servers.
	hosts bool
}

// kinds are the databases that there are, each registered by its own file.
var kinds []*kind

func register(k *kind) { kinds = append(kinds, k) }

// find finds the kind of database that a DSN's driver is of.
func find(name *dsn.DSN, d *Diagnostics) *kind {
	for _, k := range kinds {
		for _, registered := range k.drivers {
			if !strings.EqualFold(registered, name.Driver) {
				continue
			}
			if registered != name.Driver {
				d.Warn("dsn", fmt.Sprintf("spells the driver %s, which Perl on most systems does not find", name.Driver), "write DBI:"+registered+":")
				name.Driver = registered
			}
			return k
		}
	}
	remedy := "use one of " + strings.Join(driverNames(), ", ")
	if strings.EqualFold(name.Driver, "Sybase") {
		remedy = "SQL Server can be reached through DBI:ODBC: with its own driver, by a dbsep built with -tags odbc"
	}
	d.Refuse("dsn", fmt.Sprintf("names the driver %s, which dbsep does not have", name.Driver), remedy)
	return nil
}

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
	*Diagnostics
	dsn.DSN // what Source.DSN is split into, or was translated to
	kind    *kind
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
	// openAs is the DSN of another driver, which opens the source instead; nil for
	// none. Nothing else counts then.
	openAs *dsn.DSN

	address       string // where the database is, without secrets
	account       string // that logs in there; empty where nobody does
	reads, writes *connections
	scope         []any // what the kind's tables and columns need to know besides; mostly nothing
}
