package database

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"dbsep/internal/database/dsn"
	"dbsep/sqlgen"
)

// A Driver is all that this package knows of one kind of database. Each has a
// package of its own below this one, which registers it.
//
// How to add a database:
//
//  1. Make a package beside sqlite. It imports this one, dsn and sqlgen, and its
//     database/sql driver, which nothing else imports. Add one line to the package
//     all.
//  2. Fill a Driver and call [Register] in init. Every field says what it is for;
//     those marked "may be nil" are for databases that need them. Begin with
//     Dialect: it is where databases differ most, and sqlgen.Dialect explains its
//     fields.
//  3. In Open, read the part of the DSN after "DBI:driver:" as the Perl driver
//     does. Refuse what cannot be understood with [OpenContext.Refuse] and continue
//     reading, so that all mistakes are reported at once; warn of what means
//     something else than it meant to Perl. Do not connect. Build the driver's own
//     configuration and a driver.Connector, never a DSN text with a password in
//     it, and put it into a [Connector], which limits the time of the login;
//     [OpenContext.ServerPool] adds what a server needs that may be unavailable.
//     The driver's statements must be driver.StmtQueryContext and
//     driver.StmtExecContext, and the bytes of a row may be the driver's memory
//     until the next row.
//  4. Give the dialect a Read that brings back each column's text as the Perl
//     driver printed it. Numbers may come as Go numbers: [AppendText] prints them.
//     time.Time and bool must not come, their text is lost.
//  5. In ClassifyError, distinguish errors by the driver's types and numbers.
//  6. Call databasetest.Run in a test. It holds all that has to be the same on
//     every database. Add tests for what is special.
//
// When in doubt, fail: a request that is refused can be fixed, a row that is wrong
// is believed.
type Driver struct {
	Name     string   // for people: "SQLite"; empty where Open always returns OpenAs
	DBINames []string // names of DBI drivers in their spelling, each meaning this database

	Dialect *sqlgen.Dialect

	// Open reads the driver's part of the DSN and prepares the pools. What it
	// returns does not count once it has refused anything.
	Open func(o *OpenContext) Pools

	ProbeSQL   string // shows whether the database responds
	VersionSQL string // reads the version as one text

	// TablesSQL lists the names of the tables and views of the schema that the DSN
	// means, and of no other. Its arguments are Pools.Scope.
	TablesSQL string

	// ElsewhereSQL lists the schemas that have a table which the account may read and a
	// request does not find. Its arguments are the table's name, in any case, then
	// Pools.Scope. Empty where requests find the tables of one schema only.
	ElsewhereSQL string

	// ColumnsSQL are statements tried one after another until one finds a table.
	// Each gets the table's name as an argument, then Pools.Scope, and reads, in
	// the order of tables and columns: the table's name, the column's name, its
	// type as declared, its width in characters or NULL, 1 where it takes NULL, 1 where
	// SELECT * leaves it out and 2 where the account may not read it, and the name of its
	// collation or NULL. Where names in statements need it, the schema follows; then, if
	// columns may be missing here, 1 where the account may not know all. The last one
	// compares without regard to case.
	ColumnsSQL []string

	// FingerprintSQL reads one text, which is another one when what ColumnsSQL reads of a
	// table may have changed, in less time than that takes. Its arguments are those of
	// KeysSQL. Empty: ColumnsSQL is read each time.
	FingerprintSQL string

	// KeysSQL lists the unique keys of a table by which equality finds one row: the
	// key's name, a column's name, the columns of a key one after another and the
	// primary key first. A column that is an expression, or counts in part, is
	// NULL. Its arguments are the table's name and its schema, as far as ColumnsSQL
	// reads one. Empty where keys are not known.
	KeysSQL string

	// BatchesReads says that reads of one row by its key that wait for each other share a
	// statement. KeysSQL must be set.
	BatchesReads bool

	// ClassifyType reads a declared type.
	ClassifyType func(declared string, characters int) (class sqlgen.Class, size int, unsigned bool)

	// ClassifyCollation says which texts a Text column takes for equal, by its declared
	// type and the name of its collation. When in doubt, it is
	// [sqlgen.UnknownCollation]. Nil: it always is.
	ClassifyCollation func(declared, collation string) sqlgen.Collation

	// ClassifyError returns the cause of an error of the driver, and how to fix it
	// where that is known. An error that it does not know is sqlgen.Unexpected.
	ClassifyError func(err error) (cause sqlgen.Cause, hint string)

	// NamedBy returns the column and the constraint or key that an error names, empty
	// where it names none. What it reads from a message may be part of a value: only
	// names of the table's columns are used, and the message's form must make sure that
	// a constraint is one. May be nil.
	NamedBy func(err error) (column, constraint string)

	// Misfit reports whether an error of a reading statement that is sqlgen.BadValue
	// is about the value of a condition, which its column cannot hold, and not about
	// values that are stored: those of a view's expression, for example. Nil: no
	// error is.
	Misfit func(err error) bool

	// Ambiguous reports whether an error may mean a table or column that is gone;
	// then the schema is read. May be nil, for drivers that say so.
	Ambiguous func(err error) bool

	// Outdated reports whether a statement that failed did nothing, and may do it once it
	// is prepared again: its table may have changed since it was. May be nil.
	Outdated func(err error) bool

	// Retryable reports whether a statement that failed did nothing and should be
	// tried again: after a while where the file is locked or others are in the way, at
	// once where wait is false. May be nil.
	Retryable func(err error) (retry, wait bool)

	// TooManyStatements reports whether the server keeps no further prepared statement.
	// May be nil.
	TooManyStatements func(err error) bool

	// ConnectionLost reports whether the server ended the connection with an error.
	// Errors of the network and driver.ErrBadConn are known without it. May be nil.
	ConnectionLost func(err error) bool

	// TryOtherHost reports of an error, beside those that are sqlgen.ReadOnly, that
	// the statement did nothing because another server takes it. May be nil.
	TryOtherHost func(err error) bool

	// ReadReplicas says that [database] read_replicas may name servers.
	ReadReplicas bool

	// ReadOnlySQL reads 1 where the server takes no writes of the account. Empty where
	// that is not known.
	ReadOnlySQL string

	// BeginReadOnlySQL begins a transaction in which the server lets nothing change. Empty
	// where a query cannot change anything.
	BeginReadOnlySQL string

	// Plans are how the database says how it would run a statement. Nil where that is not
	// known.
	Plans *Plans

	// CheckWritable reports why a write of the database at an address would fail, as far
	// as the system knows. Nil for servers.
	CheckWritable func(address string) *sqlgen.Fault

	// Products are how drivers of another kind, those of ODBC, name this database:
	// the beginnings of the names. ClassifyNumber is ClassifyError for the number
	// that such a driver reports. PrepareSession makes a connection of such a driver
	// one that requests can rely on. All may be nil.
	Products       []string
	ClassifyNumber func(number int) (cause sqlgen.Cause, hint string)
	PrepareSession func(ctx context.Context, conn driver.Conn) (PreparedSession, error)
}

// A PreparedSession is what a [Driver] knows of a connection of another driver.
type PreparedSession interface {
	StrictSetter
	TextChecker
}

// drivers are the databases of this build.
var drivers []*Driver

// Register adds a database. It is called in the init of the database's package.
func Register(d *Driver) { drivers = append(drivers, d) }

// Names lists the databases of this build, for people.
func Names() []string {
	names := make([]string, 0, len(drivers))
	for _, d := range drivers {
		if d.Name != "" {
			names = append(names, d.Name)
		}
	}
	slices.Sort(names)
	return names
}

// ForProduct returns the database that a driver of another kind names so, nil
// where it is not one of this build.
func ForProduct(name string) *Driver {
	for _, d := range drivers {
		for _, product := range d.Products {
			if strings.HasPrefix(name, product) {
				return d
			}
		}
	}
	return nil
}

// find returns the database of a DSN's driver, nil where this build does not have
// it.
func find(name *dsn.DSN, problems *Diagnostics) *Driver {
	for _, d := range drivers {
		for _, registered := range d.DBINames {
			if !strings.EqualFold(registered, name.Driver) {
				continue
			}
			if registered != name.Driver {
				problems.Warn("dsn", fmt.Sprintf("spells the driver %s, which Perl on most systems does not find", name.Driver), "write DBI:"+registered+":")
				name.Driver = registered
			}
			return d
		}
	}
	hint := "use one of " + strings.Join(dbiNames(), ", ")
	if strings.EqualFold(name.Driver, "Sybase") {
		hint = "use DBI:ODBC: with an ODBC driver of SQL Server, in the Debian package of dbsep or a build with -tags odbc"
	}
	problems.Refuse("dsn", fmt.Sprintf("names the driver %s, which dbsep does not have", name.Driver), hint)
	return nil
}

func dbiNames() []string {
	var names []string
	for _, d := range drivers {
		names = append(names, d.DBINames...)
	}
	slices.Sort(names)
	return names
}
