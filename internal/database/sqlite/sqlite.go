package sqlite

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

func init() { database.Register(sqlite) }

// sqlite is a database in one file. What differs between the two drivers that a
// build may have is in cgo.go and pure.go.
var sqlite = &database.Driver{
	Name:       "SQLite",
	DBINames:   []string{"SQLite"},
	Dialect:    dialect,
	Open:       open,
	ProbeSQL:   "PRAGMA schema_version",
	VersionSQL: "SELECT sqlite_version()",
	TablesSQL:  "SELECT name FROM main.sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'",
	ColumnsSQL: []string{`
		SELECT m.name, c.name, c.type, NULL,
		       NOT (c."notnull" OR (c.pk = 1 AND upper(c.type) = 'INTEGER'
		            AND (SELECT count(*) FROM pragma_table_xinfo(m.name, 'main') k WHERE k.pk > 0) = 1)), 0,
		       CASE WHEN m.type = 'table' AND m.sql NOT LIKE '%collate%' THEN 'BINARY' END
		FROM main.sqlite_master m JOIN pragma_table_xinfo(m.name, 'main') c
		WHERE m.type IN ('table', 'view') AND substr(m.name, 1, 7) <> 'sqlite_'
		  AND m.name = ? COLLATE NOCASE AND c.hidden <> 1
		ORDER BY m.name, c.cid`},
	// A view's columns are those of the tables that it reads.
	FingerprintSQL: `
		SELECT group_concat(sql, ';') FROM main.sqlite_master
		WHERE type IN ('table', 'view')
		  AND (name = ?1 OR NOT EXISTS (SELECT 1 FROM main.sqlite_master WHERE name = ?1 AND type = 'table'))`,
	KeysSQL: `
		SELECT key, name FROM (
			SELECT '' AS key, name, 0 AS rank, pk AS position FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0
			UNION ALL
			SELECT l.name, x.name, 1 + l.seq, x.seqno
			FROM pragma_index_list(?1, 'main') l JOIN pragma_index_xinfo(l.name, 'main') x
			WHERE l."unique" AND NOT l.partial AND l.origin <> 'pk' AND x.key)
		ORDER BY rank, position`,
	ClassifyType:  classifyType,
	ClassifyError: classifyError,
	NamedBy:       namedBy,
	Ambiguous:     isAmbiguous,

	ClassifyCollation: classifyCollation,
	CheckWritable:     checkWritable,
	Plans:             plans,

	Retryable: isRetryable,

	Products:       []string{"SQLite"},
	ClassifyNumber: classifyCode,
}

var dialect = &sqlgen.Dialect{
	Quote:       quote,
	Placeholder: sqlgen.QuestionMark,

	Read: readExpression,

	SameType: func(quoted string, number bool) string {
		if number {
			return "typeof(" + quoted + ") IN ('integer', 'real')"
		}
		return "typeof(" + quoted + ") = 'text'"
	},

	CompareAny: compareAny,

	// LIKE takes numbers as text by itself.
	AsText: func(_ *sqlgen.Column, quoted string) string { return quoted },

	// A value of another type than its column's would come before or after all texts.
	ByteOrder: func(_ *sqlgen.Column, quoted string) string { return "CAST(" + quoted + " AS TEXT) COLLATE BINARY" },

	Escape:   escape,
	AfterOne: " LIMIT 1",
	Type:     columnType,
	Add: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " ADD COLUMN " + column + " " + typ
	},
	// A column's type cannot be changed: a new column takes its values over.
	Alter: func(table, column, typ string) string {
		old := quote("old " + strings.ReplaceAll(column[1:len(column)-1], "``", "`"))
		return "ALTER TABLE " + table + " RENAME COLUMN " + column + " TO " + old +
			"; ALTER TABLE " + table + " ADD COLUMN " + column + " " + typ +
			"; UPDATE " + table + " SET " + column + " = " + old
	},
	Check: &sqlgen.CheckDialect{Renumbers: renumbers, Decoded: decoded, Uncounted: uncounted},
}

// readExpression keeps the driver from making times and truth values of columns that
// are declared so: an expression has no declared type, and the plus sign makes one
// without touching the value or its storage class. A column as it is costs less.
func readExpression(c *sqlgen.Column, quoted string) string {
	switch c.Class {
	case sqlgen.Boolean, sqlgen.Date, sqlgen.DateTime, sqlgen.Time:
		return "+" + quoted
	}
	return quoted
}

// quote quotes with backticks. A name in double quotes that is no column
// any more would be read as a text, and a condition on it would hold for every
// row.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func columnType(r sqlgen.Requirement) string {
	if bytes, _ := r.Integer(); bytes > 0 {
		return "INTEGER"
	}
	switch r.Type {
	case "float":
		return "REAL"
	case "date", "datetime":
		return strings.ToUpper(r.Type)
	}
	return fmt.Sprintf("VARCHAR(%d)", max(r.Size, 1))
}

// classifyType follows SQLite's rules of affinity (datatype3, section 3.1)
// where the name of a type says no more. SQLite enforces no widths.
func classifyType(declared string, _ int) (class sqlgen.Class, size int, unsigned bool) {
	name := strings.ToUpper(declared)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(name, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("BOOL"):
		return sqlgen.Boolean, 0, false
	case has("DATETIME", "TIMESTAMP"):
		return sqlgen.DateTime, 0, false
	case has("INT"):
		return sqlgen.Integer, 8, false
	case hasTextAffinity(declared):
		return sqlgen.Text, 0, false
	case has("BLOB"):
		return sqlgen.Binary, 0, false
	case has("REAL", "FLOA", "DOUB"):
		return sqlgen.Float, 0, false
	case has("DEC", "NUM"):
		return sqlgen.Decimal, 0, false
	case strings.HasPrefix(name, "DATE"):
		return sqlgen.Date, 0, false
	case strings.HasPrefix(name, "TIME"):
		return sqlgen.Time, 0, false
	}
	return sqlgen.Text, 0, false
}

// renumbers reports whether a column has the affinity of numbers for lack of a word
// that SQLite knows, as STRING has.
func renumbers(c *sqlgen.Column) bool {
	return c.Class == sqlgen.Text && c.Type != "" && !hasTextAffinity(c.Type)
}

// decoded goes by GLOB, which knows upper case.
func decoded(quoted string) string {
	return "(" + quoted + " GLOB '*^[0-246-9A-F][0-9A-F]*' OR " + quoted + " GLOB '*^3[0-9AC-F]*' OR " + quoted + " GLOB '*^5[0-9A-DF]*')"
}

// uncounted knows that triggers change what a view shows, and that SQLite counts no rows of
// theirs.
func uncounted(t *sqlgen.Table) sqlgen.Statement {
	return sqlgen.Statement{SQL: "SELECT count(*) FROM main.sqlite_master WHERE type = 'view' AND name = ?", Args: []any{t.Name}}
}

// escape makes a backslash the escape character of a LIKE.
const escape = ` ESCAPE '\'`

// compareAny compares numbers with numbers, texts with texts and bytes with bytes where the
// type of a column makes none of the others: the computed columns of a view have no type.
// A plus sign makes an expression, to which no type is applied.
func compareAny(c *sqlgen.Column, quoted, operator, argument string) string {
	if c.Type != "" && c.Class != sqlgen.Binary && !strings.EqualFold(c.Type, "ANY") {
		return ""
	}
	value := quote(c.Name + " given") // another name than the column's
	bytes, number := "CAST("+value+" AS BLOB)", "+CAST("+value+" AS NUMERIC)"
	isNumber := "CAST(CAST(" + value + " AS NUMERIC) AS TEXT) = " + value
	given := "(SELECT " + argument + " AS " + value + ")"
	switch operator {
	case "LIKE", "NOT LIKE": // which some builds never let bytes match
		return "CAST(" + quoted + " AS TEXT) " + operator + " " + argument + escape
	case "=", "<>": // finds an index
		in := map[string]string{"=": " IN ", "<>": " NOT IN "}[operator]
		return quoted + in + "(WITH given AS " + given + " SELECT " + value + " FROM given UNION ALL SELECT " + bytes + " FROM given" +
			" UNION ALL SELECT " + number + " FROM given WHERE " + isNumber + ")"
	}
	return "(SELECT CASE typeof(" + quoted + ") WHEN 'text' THEN " + quoted + " " + operator + " " + value +
		" WHEN 'blob' THEN " + quoted + " " + operator + " " + bytes +
		" ELSE " + isNumber + " AND " + quoted + " " + operator + " " + number + " END FROM " + given + ")"
}

// hasTextAffinity reports whether SQLite stores numbers in a column of a type as texts.
func hasTextAffinity(declared string) bool {
	name := strings.ToUpper(declared)
	return slices.ContainsFunc([]string{"CHAR", "CLOB", "TEXT"}, func(word string) bool { return strings.Contains(name, word) })
}

// classifyCollation knows the columns that hold numbers as texts, too, and compare them
// by their bytes.
func classifyCollation(declared, collation string) sqlgen.Collation {
	if collation == "BINARY" && hasTextAffinity(declared) {
		return sqlgen.CaseSensitive
	}
	return sqlgen.UnknownCollation
}

// lockWait is how long SQLite itself waits for a lock of another process. While it
// waits, a context cannot end the statement, and a write keeps reads waiting at the
// gate, so the rest of the waiting is done between tries of the whole statement.
const lockWait = 50 * time.Millisecond

// defaultReaders is the default for the reading pool: reads of one file are
// limited by processors.
const defaultReaders = 8

// heapLimit is what SQLite may take in this process: beyond, a connection gives
// up pages of the file that it keeps before it takes another. Each may have 2 MB of
// them, of which those to the same file are mostly alike, and the system has them
// in memory too.
const heapLimit = 8 << 20

func open(o *database.OpenContext) database.Pools {
	file := readDSN(o)
	created := checkFile(o, file.path)
	if o.Failed() {
		return database.Pools{}
	}
	path := &filePath{path: file.path}
	busyTimeout := cmp.Or(o.BusyTimeout, database.DefaultBusyTimeout)
	gate := newGate(busyTimeout)
	pool := func(most int, maxStatAge time.Duration, l limits) *database.PoolConfig {
		connector := fileConnector{newConnector(file.uri(min(lockWait, busyTimeout)), l), path, gate, maxStatAge}
		return &database.PoolConfig{MaxOpen: most, Connector: &database.Connector{
			Connector:   connector,
			Timeout:     o.LoginTimeout(),
			InitCommand: "PRAGMA soft_heap_limit=" + strconv.Itoa(heapLimit),
		}}
	}
	writes := pool(1, 0, writerLimits) // SQLite has one writer: waiting here is fair and cheap
	writes.Grouped = true
	return database.Pools{
		Address: file.path,
		Schema:  "main",
		Created: created,
		Writes:  writes,
		Reads:   pool(cmp.Or(o.MaxConnections, defaultReaders), maxStatAge, readerLimits(o.MaxRowBytes)),
	}
}

// limits are limits of a connection (c3ref/c_limit_attached).
type limits map[int]int

const (
	limitLength            = 0 // of a value, and of a row
	limitLikePatternLength = 8
)

// writerLimits spare a writer patterns that no request has, from a view or a trigger: SQLite
// does not end a comparison that takes long.
var writerLimits = limits{limitLikePatternLength: sqlgen.MaxPatternBytes + 1}

// readerLimits also keep SQLite from loading a row that is too long. What it adds to
// a row is less than what is allowed here.
func readerLimits(maxRowBytes int64) limits {
	l := maps.Clone(writerLimits)
	if maxRowBytes > 0 {
		l[limitLength] = int(min(maxRowBytes+64<<10, math.MaxInt32))
	}
	return l
}

// lastRegexp keeps the expression last used: a query uses one for all rows.
var lastRegexp atomic.Pointer[regexp.Regexp]

// matchRegexp is "subject REGEXP pattern"; SQLite gives the pattern first. NULL
// matches nothing and is matched by nothing.
func matchRegexp(pattern, subject any) (bool, error) {
	if pattern == nil || subject == nil {
		return false, nil
	}
	expression, err := database.AppendText(nil, pattern)
	if err != nil {
		return false, err
	}
	text, err := database.AppendText(nil, subject)
	if err != nil {
		return false, err
	}
	r := lastRegexp.Load()
	if r == nil || r.String() != string(expression) {
		if r, err = regexp.Compile(string(expression)); err != nil {
			return false, err
		}
		lastRegexp.Store(r)
	}
	return r.Match(text), nil
}
