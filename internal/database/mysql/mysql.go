package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

func init() { database.Register(mariadb) }

// mariadb is a MariaDB or MySQL server, which both Perl drivers speak to.
var mariadb = &database.Driver{
	Name:       "MariaDB/MySQL",
	DBINames:   []string{dbiMySQL, dbiMariaDB},
	Dialect:    dialect,
	Open:       open,
	ProbeSQL:   "SELECT 1",
	VersionSQL: "SELECT VERSION()",
	TablesSQL:  "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
	// The server looks up the first at once. For the second it opens every table.
	ColumnsSQL: []string{
		columnsSQL + "table_name = ? ORDER BY table_name, ordinal_position",
		columnsSQL + "LOWER(table_name) = LOWER(?) ORDER BY table_name, ordinal_position",
	},
	// All columns together may be longer than the longest text of the server.
	FingerprintSQL: `
	SELECT CONCAT(COUNT(*), ' ', SUM(CAST(CONV(LEFT(SHA2(CONCAT_WS(' ', ordinal_position, column_name, column_type, is_nullable, extra, collation_name, privileges), 256), 15), 16, 10) AS UNSIGNED)))
	FROM information_schema.columns
	WHERE table_schema = DATABASE() AND table_name = ?`,
	KeysSQL: `
	SELECT index_name, CASE WHEN sub_part IS NULL THEN column_name END
	FROM information_schema.statistics
	WHERE table_schema = DATABASE() AND table_name = ? AND non_unique = 0
	ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index`,
	BatchesReads:  true,
	ClassifyType:  classifyType,
	ClassifyError: classifyError,
	NamedBy:       namedBy,
	Misfit:        isMisfit,

	ClassifyCollation: classifyCollation,
	ReadOnlySQL:       readOnlySQL,
	BeginReadOnlySQL:  "START TRANSACTION READ ONLY",
	Plans:             plans,

	Outdated:  isOutdated,
	Retryable: isRetryable,

	TooManyStatements: hasTooManyStatements,
	ConnectionLost:    isConnectionLost,
	TryOtherHost:      needsOtherHost,
	ReadReplicas:      true,

	Products: []string{"MariaDB", "MySQL"},
	ClassifyNumber: func(number int) (cause sqlgen.Cause, hint string) {
		f := knownErrors[uint16(number)]
		return f.cause, f.hint
	},
	PrepareSession: prepareSession,
}

// prepareSession is for connections that a driver of ODBC makes.
func prepareSession(ctx context.Context, conn driver.Conn) (database.PreparedSession, error) {
	found, err := settleSession(ctx, conn, "", false)
	return &preparedSession{found, conn}, err
}

type preparedSession struct {
	settings
	conn driver.Conn
}

func (s *preparedSession) SetStrict(ctx context.Context, strict bool) error {
	return s.mode.set(ctx, s.conn, strict)
}

// The names of the DBI drivers, DBD::mysql and DBD::MariaDB.
const (
	dbiMySQL   = "mysql"
	dbiMariaDB = "MariaDB"
)

// readOnlySQL knows the accounts that may write all the same. Servers write the variable as
// a number or a word.
const readOnlySQL = `
	SELECT CAST(@@global.read_only AS CHAR) NOT IN ('0', 'OFF') AND NOT EXISTS (
		SELECT 1 FROM information_schema.user_privileges
		WHERE REPLACE(grantee, '''', '') = CURRENT_USER() AND privilege_type IN ('SUPER', 'READ_ONLY ADMIN', 'CONNECTION_ADMIN'))`

// columnsSQL reads the columns to which the account has a right.
const columnsSQL = `
	SELECT table_name, column_name, column_type, character_maximum_length, is_nullable = 'YES',
	       CASE WHEN privileges NOT LIKE '%select%' THEN 2 ELSE extra LIKE '%INVISIBLE%' END, collation_name, NULL,
	       EXISTS (SELECT 1 FROM information_schema.column_privileges p
	               WHERE p.table_schema = DATABASE() AND p.table_name = c.table_name AND p.privilege_type = 'SELECT'
	                 AND REPLACE(p.grantee, '''', '') = CURRENT_USER())
	FROM information_schema.columns c WHERE table_schema = DATABASE() AND `

var dialect = &sqlgen.Dialect{
	Quote:       func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" },
	Placeholder: sqlgen.QuestionMark,
	Coerces:     true,
	Read:        readExpression,
	AsText: func(c *sqlgen.Column, quoted string) string {
		if c.Class == sqlgen.Binary {
			return quoted // bytes that are no characters would be lost
		}
		return "CAST(" + quoted + " AS CHAR)"
	},
	CompareAny: compareJSON,
	ByteOrder: func(_ *sqlgen.Column, quoted string) string {
		return "CAST(CONVERT(" + quoted + " USING utf8mb4) AS BINARY)"
	},

	// Backslash as a number: as a text it would be spelled in two ways, and
	// sql_mode decides which one (NO_BACKSLASH_ESCAPES).
	Escape:   " ESCAPE 0x5C",
	AfterOne: " LIMIT 1",
	Type:     columnType,
	Add: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " ADD COLUMN " + column + " " + typ
	},
	Alter: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " MODIFY COLUMN " + column + " " + typ
	},
	Check: checks,
}

// compareJSON compares MySQL's JSON as the text that clients get: to MySQL it equals no
// text. On MariaDB, JSON is a text.
func compareJSON(c *sqlgen.Column, quoted, operator, argument string) string {
	if c.Type != "json" || strings.HasSuffix(operator, "LIKE") {
		return ""
	}
	return "CAST(" + quoted + " AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_bin " + operator + " " + argument
}

// readExpression reads numbers with leading zeros as text: the zeros are the
// display's, and the server sends numbers to prepared statements.
func readExpression(c *sqlgen.Column, quoted string) string {
	if strings.HasSuffix(c.Type, " zerofill") || strings.HasPrefix(c.Type, "year") {
		return "CAST(" + quoted + " AS CHAR)"
	}
	return quoted
}

// secondChars is the length of a date and time without a fraction of a second.
const secondChars = len("2026-01-02 03:04:05")

func columnType(r sqlgen.Requirement) string {
	if bytes, unsigned := r.Integer(); bytes > 0 {
		typ := map[int]string{1: "TINYINT", 2: "SMALLINT", 3: "MEDIUMINT", 4: "INT", 8: "BIGINT"}[bytes]
		if unsigned {
			typ += " UNSIGNED"
		}
		return typ
	}
	switch r.Type {
	case "float":
		return "DOUBLE"
	case "datetime":
		if digits := r.Size - secondChars - 1; digits > 0 {
			return fmt.Sprintf("DATETIME(%d)", min(digits, 6))
		}
		return "DATETIME"
	case "date":
		return "DATE"
	}
	// A row has room for 65535 bytes, and a character takes up to four.
	const widest = 16383
	if r.Size > widest {
		return "TEXT"
	}
	return fmt.Sprintf("VARCHAR(%d)", max(r.Size, 1))
}

// typeClasses are the classes of types, by the first word of a type as
// information_schema spells it. Types that are not here are texts.
var typeClasses = map[string]struct {
	class sqlgen.Class
	size  int
}{
	"tinyint":   {sqlgen.Integer, 1},
	"smallint":  {sqlgen.Integer, 2},
	"mediumint": {sqlgen.Integer, 3},
	"int":       {sqlgen.Integer, 4},
	"bigint":    {sqlgen.Integer, 8},
	"bit":       {sqlgen.Integer, 0},
	"year":      {sqlgen.Integer, 2},
	"decimal":   {sqlgen.Decimal, 0},
	"float":     {sqlgen.Float, 0},
	"double":    {sqlgen.Float, 0},
	"date":      {sqlgen.Date, 0},
	"datetime":  {sqlgen.DateTime, 0},
	"timestamp": {sqlgen.DateTime, 0},
	"time":      {sqlgen.Time, 0},
	"uuid":      {sqlgen.Other, 0},
	"inet4":     {sqlgen.Other, 0},
	"inet6":     {sqlgen.Other, 0},
	"json":      {sqlgen.Other, 0},

	"binary": {sqlgen.Binary, 0}, "varbinary": {sqlgen.Binary, 0}, "blob": {sqlgen.Binary, 0},
	"tinyblob": {sqlgen.Binary, 0}, "mediumblob": {sqlgen.Binary, 0}, "longblob": {sqlgen.Binary, 0},
	"geometry": {sqlgen.Binary, 0}, "point": {sqlgen.Binary, 0}, "linestring": {sqlgen.Binary, 0},
	"polygon": {sqlgen.Binary, 0}, "multipoint": {sqlgen.Binary, 0}, "multilinestring": {sqlgen.Binary, 0},
	"multipolygon": {sqlgen.Binary, 0}, "geometrycollection": {sqlgen.Binary, 0},
}

// listsEmptyText matches an enumeration that has the empty text.
var listsEmptyText = regexp.MustCompile(`[(,]''[,)]`)

func classifyType(declared string, characters int) (class sqlgen.Class, size int, unsigned bool) {
	name, _, _ := strings.Cut(declared, " ")
	name, rest, _ := strings.Cut(name, "(")
	known, found := typeClasses[name]
	switch {
	case name == "enum" && !listsEmptyText.MatchString(declared):
		return sqlgen.Other, 0, false
	case !found && name != "enum" && name != "set" && characters <= 65535:
		return sqlgen.Text, characters, false
	case !found:
		return sqlgen.Text, 0, false
	case name == "bit":
		bits, _ := strconv.Atoi(strings.TrimSuffix(rest, ")"))
		return sqlgen.Integer, (bits + 7) / 8, true
	case known.class == sqlgen.DateTime:
		digits, _ := strconv.Atoi(strings.TrimSuffix(rest, ")"))
		return sqlgen.DateTime, secondChars + min(digits, 1) + digits, false
	case known.class == sqlgen.Binary && characters <= 65535:
		return sqlgen.Binary, characters, false
	}
	return known.class, known.size, strings.Contains(declared, " unsigned")
}

// caseInsensitive are the collations of no particular language: in those of some
// languages, letters such as i and y are equal.
var caseInsensitive = regexp.MustCompile(`^(latin1_(swedish|general)|utf8(mb[34])?_(general|unicode|unicode_520)(_nopad)?|utf8mb4_0900_ai|(utf8mb[34]_)?uca1400(_nopad)?_ai)_ci$`)

func classifyCollation(_, collation string) sqlgen.Collation {
	switch {
	case strings.HasSuffix(collation, "_bin"):
		return sqlgen.CaseSensitive
	case caseInsensitive.MatchString(collation):
		return sqlgen.CaseInsensitive
	}
	return sqlgen.UnknownCollation
}

func open(o *database.OpenContext) database.Pools {
	options := readDSN(o)
	writes, address := options.writers(o)
	reads, from := options.readers(o, writes)
	if o.Failed() {
		return database.Pools{}
	}
	return database.Pools{Address: address + from, Account: options.account(), Schema: options["database"], Writes: writes, Reads: reads}
}
