//go:build odbc

package odbc

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
	"dbsep/sqlgen"
)

func init() { database.Register(odbc) }

// odbc is the database behind a driver of ODBC for which dbsep has no package of its
// own. The driver is used as it is, through unixODBC. What ODBC has calls for and
// SQL has no words for is written as a statement in braces (catalog.go).
var odbc = &database.Driver{
	Name:          "ODBC",
	DBINames:      []string{"ODBC"},
	Dialect:       dialect,
	Open:          open,
	ProbeSQL:      probeCall,
	VersionSQL:    versionCall,
	TablesSQL:     tablesCall,
	ColumnsSQL:    []string{columnsCall, columnsFoldedCall},
	ClassifyType:  classifyType,
	ClassifyError: classifyError,
	Misfit:        isMisfit,
	Ambiguous:     isAmbiguous,
	Retryable:     isRetryable,
}

// dialect is standard SQL. Names are in double quotes, for which a
// connection takes its driver's own.
var dialect = &sqlgen.Dialect{
	Coerces:     true, // nothing is known of the database behind the driver
	Quote:       func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` },
	Placeholder: sqlgen.QuestionMark,
	Bytes:       true,
	Read:        func(_ *sqlgen.Column, quoted string) string { return quoted },
	AsText: func(c *sqlgen.Column, quoted string) string {
		if c.Class == sqlgen.Binary {
			return quoted
		}
		return "CAST(" + quoted + " AS " + textType + ")"
	},

	// A backslash in a text is one character to some databases and half of one to
	// others, so another character escapes.
	Escape: " ESCAPE '" + escape + "'",
	Pattern: func(pattern string) string {
		var b strings.Builder
		for i := 0; i < len(pattern); i++ {
			switch {
			case pattern[i] == '\\' && i+1 < len(pattern) && strings.IndexByte(`%_`+escape, pattern[i+1]) >= 0:
				b.WriteString(escape)
				i++
			case pattern[i] == '\\' && i+1 < len(pattern):
				i++
			case pattern[i] == escape[0]:
				b.WriteString(escape)
			}
			b.WriteByte(pattern[i])
		}
		return b.String()
	},
	AfterOne: oneRow,
	Type:     newColumnType,
	Add: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " ADD " + column + " " + typ
	},
	Alter: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " ALTER COLUMN " + column + " SET DATA TYPE " + typ
	},
}

const escape = "!"

// textType is wide enough for what is no text and is compared as one.
const textType = "VARCHAR(255)"

func newColumnType(r sqlgen.Requirement) string {
	bytes, unsigned := r.Integer()
	switch {
	case bytes > 4 && unsigned:
		return "NUMERIC(20)"
	case bytes > 4, bytes == 4 && unsigned:
		return "BIGINT"
	case bytes > 0:
		return "INTEGER"
	case r.Type == "float":
		return "DOUBLE PRECISION"
	case r.Type == "date":
		return "DATE"
	case r.Type == "datetime":
		return "TIMESTAMP"
	}
	if r.Size > longText {
		return "TEXT"
	}
	return fmt.Sprintf("VARCHAR(%d)", max(r.Size, 1))
}

// knownStates are the SQLSTATEs of ODBC, and by two characters the classes of
// those that are not distinguished. Databases' own states are there as well.
var knownStates = map[string]sqlgen.Cause{
	"42S02": sqlgen.UnknownTable, "42P01": sqlgen.UnknownTable, "42S22": sqlgen.UnknownColumn, "42703": sqlgen.UnknownColumn,
	"23505": sqlgen.Duplicate, "23": sqlgen.Constraint, "44": sqlgen.Constraint,
	"22": sqlgen.BadValue, "42804": sqlgen.BadValue, "07006": sqlgen.BadValue,
	"42501": sqlgen.Denied, "28": sqlgen.Denied, "25006": sqlgen.ReadOnly, "53100": sqlgen.Full,
	"40": sqlgen.Busy, "55P03": sqlgen.Busy, "53": sqlgen.Busy, "HYT00": sqlgen.Timeout, "57014": sqlgen.Timeout,
	"08": sqlgen.Unavailable, "HYT01": sqlgen.Unavailable, "57": sqlgen.Unavailable, "IM": sqlgen.Unavailable, "01": sqlgen.Unavailable,
}

// duplicateNumbers are the numbers by which databases distinguish a second row of one
// key from other broken constraints, where the SQLSTATE does not.
var duplicateNumbers = map[int]bool{
	1:    true,             // Oracle
	-239: true, -268: true, // Informix
	-803: true, // Db2, Firebird
}

func classifyError(err error) (cause sqlgen.Cause, hint string) {
	var e *driverError
	if !errors.As(err, &e) || len(e.state) != 5 {
		return sqlgen.Unexpected, ""
	}
	if d := database.ForProduct(e.database); d != nil && d.ClassifyNumber != nil {
		if cause, hint = d.ClassifyNumber(e.number); cause != sqlgen.Unexpected {
			return cause, hint
		}
	}
	cause, known := knownStates[e.state]
	if !known {
		cause = knownStates[e.state[:2]]
	}
	switch {
	case e.state == "23000" && duplicateNumbers[e.number]:
		cause = sqlgen.Duplicate
	case cause == sqlgen.Denied:
		hint = "correct dbuser and dbpass, or the account's rights on the server"
	case e.state[:2] == "IM" || e.state == "01000" && cause == sqlgen.Unavailable:
		hint = "install the ODBC driver that dsn, odbc.ini and odbcinst.ini name; isql -v shows whether it can be loaded"
	}
	return cause, hint
}

// isAmbiguous knows the states of errors that may be anything.
func isAmbiguous(err error) bool {
	var e *driverError
	return errors.As(err, &e) && (e.state == "HY000" || e.state == "42000" || e.state == "S1000" || e.state == "37000")
}

// errNotUTF8 is the error of an argument that drivers cannot be given.
var errNotUTF8 = errors.New("bind an argument: not UTF-8")

// isMisfit knows the states of a value that cannot be converted.
func isMisfit(err error) bool {
	var e *driverError
	if !errors.As(err, &e) {
		return errors.Is(err, errNotUTF8)
	}
	switch e.state {
	case "22003", "22007", "22008", "22018", "22021", "22P02", "HY000", "42000":
		return true
	}
	return false
}

// isRetryable knows the states of a statement that was rolled back for others.
func isRetryable(err error) (again, wait bool) {
	var e *driverError
	return errors.As(err, &e) && (e.state == "40001" || e.state == "40P01"), false
}

func open(o *database.OpenContext) database.Pools {
	s := dsn.FromODBC(o.DSN, o.User, o.Password, o.Environ, o.Diagnostics)
	if s.Native != nil || o.Failed() {
		return database.Pools{OpenAs: s.Native}
	}
	timeout := o.LoginTimeout()
	writes := o.ServerPool(&database.Connector{Connector: &connector{text: s.ConnectionString, timeout: timeout, maxRowBytes: o.MaxRowBytes}, Timeout: timeout})
	return database.Pools{Address: cmp.Or(s.Name, s.Driver), Account: s.Account, Writes: writes, Scope: []any{o.Schema}}
}
