package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

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
	KeysSQL: `
	SELECT index_name, CASE WHEN sub_part IS NULL THEN column_name END
	FROM information_schema.statistics
	WHERE table_schema = DATABASE() AND table_name = ? AND non_unique = 0
	ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index`,
	ClassifyType:  classifyType,
	ClassifyError: classifyError,
	Misfit:        isMisfit,
	Retryable:     isRetryable,

	ConnectionLost: isConnectionLost,
	TryOtherHost:   needsOtherHost,
	ReadReplicas:   true,

	Products: []string{"MariaDB", "MySQL"},
	ClassifyNumber: func(number int) (cause sqlgen.Cause, hint string) {
		f := knownErrors[uint16(number)]
		return f.cause, f.hint
	},
	PrepareSession: prepareSession,
}

// prepareSession is for connections that a driver of ODBC makes.
func prepareSession(ctx context.Context, conn driver.Conn) (setStrict func(context.Context, bool) error, err error) {
	mode, err := settleSession(ctx, conn, "", false)
	return func(ctx context.Context, strict bool) error { return mode.set(ctx, conn, strict) }, err
}

// The names of the DBI drivers, DBD::mysql and DBD::MariaDB.
const (
	dbiMySQL   = "mysql"
	dbiMariaDB = "MariaDB"
)

const columnsSQL = `
	SELECT table_name, column_name, column_type, character_maximum_length, is_nullable = 'YES'
	FROM information_schema.columns WHERE table_schema = DATABASE() AND `

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
	Check: &sqlgen.CheckDialect{Doublings: doublings, Doubles: mayBeDoubled},
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

	"binary": {sqlgen.Binary, 0}, "varbinary": {sqlgen.Binary, 0}, "blob": {sqlgen.Binary, 0},
	"tinyblob": {sqlgen.Binary, 0}, "mediumblob": {sqlgen.Binary, 0}, "longblob": {sqlgen.Binary, 0},
	"geometry": {sqlgen.Binary, 0}, "point": {sqlgen.Binary, 0}, "linestring": {sqlgen.Binary, 0},
	"polygon": {sqlgen.Binary, 0}, "multipoint": {sqlgen.Binary, 0}, "multilinestring": {sqlgen.Binary, 0},
	"multipolygon": {sqlgen.Binary, 0}, "geometrycollection": {sqlgen.Binary, 0},
}

func classifyType(declared string, characters int) (class sqlgen.Class, size int, unsigned bool) {
	name, _, _ := strings.Cut(declared, " ")
	name, rest, _ := strings.Cut(name, "(")
	known, found := typeClasses[name]
	switch {
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

// errorInfo is what is known of an error's number.
type errorInfo struct {
	cause sqlgen.Cause
	hint  string
}

// knownErrors are the errors of MariaDB and MySQL that a PBX meets, by their numbers.
var knownErrors = func() map[uint16]errorInfo {
	faults := make(map[uint16]errorInfo)
	set := func(cause sqlgen.Cause, hint string, numbers ...uint16) {
		for _, n := range numbers {
			faults[n] = errorInfo{cause, hint}
		}
	}
	set(sqlgen.UnknownTable, "", 1051, 1109, 1146)
	set(sqlgen.UnknownColumn, "", 1054)
	set(sqlgen.Duplicate, "", 1022, 1062, 1169, 1586, 1859)
	set(sqlgen.Constraint, "", 1048, 1216, 1217, 1263, 1364, 1451, 1452, 3819, 4025)
	set(sqlgen.BadValue, "", 1264, 1265, 1292, 1300, 1366, 1367, 1406, 1411, 1416, 1525, 1690, 3140)
	set(sqlgen.BadValue, "give the column a character set that has the character, such as utf8mb4", 1267, 1270, 1271, 3988)
	set(sqlgen.BadValue, "send a shorter value, or raise the server's max_allowed_packet", 1153)
	set(sqlgen.Denied, "give the account its rights with GRANT", 1044, 1142, 1143, 1227, 1370)
	set(sqlgen.Denied, "correct dbuser and dbpass, or the account's password on the server", 1045, 1698, 1862)
	set(sqlgen.Denied, "let the account log in from this host", 1130)
	set(sqlgen.Denied, "unlock the account", 3118, 4151)
	set(sqlgen.ReadOnly, "connect to the primary server, or end read_only there", 1036, 1290, 1792, 1836, 1874)
	set(sqlgen.Full, "make room on the server's disk", 3, 1021, 1114)
	set(sqlgen.Busy, "", 1205, 1213)
	set(sqlgen.Busy, "raise the server's max_connections, or lower dbsep's", 1040, 1203, 1226)
	set(sqlgen.Timeout, "", 1969, 3024)
	set(sqlgen.Unavailable, "correct the database's name in dsn, or create the database", 1046, 1049)
	set(sqlgen.Unavailable, "", 1180) // a commit that failed: a node that loses its cluster in the middle of it
	set(sqlgen.Unavailable, "unblock this host with FLUSH HOSTS", 1129)
	set(sqlgen.Unavailable, "let the node join its cluster again", numberNotReady)
	set(sqlgen.Unavailable, "", 1053, 1080, 1152, 1158, 1159, 1160, 1161, 1317, 1927, 4031)
	return faults
}()

func classifyError(err error) (cause sqlgen.Cause, hint string) {
	var e *mysql.MySQLError
	switch {
	case errors.As(err, &e):
		f := knownErrors[e.Number]
		return f.cause, f.hint
	case errors.Is(err, mysql.ErrPktTooLarge):
		return sqlgen.BadValue, "send a shorter value"
	case errors.Is(err, mysql.ErrInvalidConn):
		return sqlgen.Unavailable, ""
	case errors.Is(err, mysql.ErrNoTLS):
		return sqlgen.Unavailable, "switch TLS on in the server, or take mysql_ssl out of dsn"
	case errors.Is(err, mysql.ErrUnknownPlugin), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrCleartextPassword):
		return sqlgen.Denied, "give the account a password of the plugin mysql_native_password, caching_sha2_password or ed25519"
	}
	return sqlgen.Unexpected, ""
}

// isMisfit knows the errors of a value that is no date, or whose characters the
// column's character set does not have.
func isMisfit(err error) bool {
	return hasNumber(err, 1267, 1270, 1271, 1292, 1300, 1366, 1411, 1525, 3988)
}

// isRetryable knows the errors of a prepared statement that the server has
// dropped or cannot fit to a changed table, and of one that gave way to others: it
// has done nothing. One that has waited for a lock as long as the server lets it
// wait (1205) does not wait once more.
func isRetryable(err error) (again, wait bool) {
	return hasNumber(err, 1615, 1243, 1213), false
}

// isConnectionLost knows the errors of a connection that the server or the driver
// has ended.
func isConnectionLost(err error) bool {
	return errors.Is(err, mysql.ErrInvalidConn) || hasNumber(err, 1053, 1080, 1152, 1927, 4031)
}

// needsOtherHost knows the error of a node that its cluster has left behind.
func needsOtherHost(err error) bool { return hasNumber(err, numberNotReady) }

const numberNotReady = 1047

func hasNumber(err error, numbers ...uint16) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && slices.Contains(numbers, e.Number)
}

func open(o *database.OpenContext) database.Pools {
	options := readDSN(o)
	writes, address := options.writers(o)
	reads, from := options.readers(o, writes)
	if o.Failed() {
		return database.Pools{}
	}
	return database.Pools{Address: address + from, Account: options.account(), Writes: writes, Reads: reads}
}
