package mysql

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"dbsep/sqlgen"
)

// errorInfo is what is known of an error's number.
type errorInfo struct {
	cause sqlgen.Cause
	hint  string
}

// conflicts are the errors of distributed servers that have undone a statement because
// of others at the same time: a group's certification (3101), TiDB's write conflicts and
// changes of the schema.
var conflicts = []uint16{3101, 8002, 8005, 8022, 8028, 9007}

// knownErrors are the errors of MariaDB, MySQL and TiDB that a single statement of
// dbsep, or its connection, may meet, by their numbers. All others would be a fault of
// dbsep.
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
	set(sqlgen.Constraint, "", 1048, 1216, 1217, 1263, 1364, 1451, 1452, 1761, 1762, 3819, 4025)
	set(sqlgen.Constraint, "send a value that one of the table's partitions has a place for, or add a partition", 1526, 1748)

	set(sqlgen.BadValue, "", 1264, 1265, 1292, 1300, 1365, 1366, 1367, 1406, 1411, 1416, 1441, 1525, 1690, 3140, 3141)
	set(sqlgen.BadValue, "give the column a character set that has the character, such as utf8mb4", 1267, 1270, 1271, 3854, 3988)
	set(sqlgen.BadValue, "send a shorter value, or raise the server's max_allowed_packet", 1153, 1301)
	set(sqlgen.BadValue, "send shorter values: the row is longer than the storage engine takes", 1118, 1713)

	set(sqlgen.Rejected, "", 1644, 1645)
	set(sqlgen.Rejected, "correct the trigger: it uses the table that the statement changes", 1442, 1443)
	set(sqlgen.Rejected, "create what the trigger, the view or the generated column calls", 1128, 1305, 1630)
	set(sqlgen.Rejected, "correct the trigger, or the routine that it calls", 1172, 1242, 1312, 1321, 1326, 1329, 1339, 1422, 1424, 1456, 1457)
	set(sqlgen.Rejected, "send a row that the view itself shows: it has WITH CHECK OPTION", 1369)
	set(sqlgen.Rejected, "correct the view: it names a table, a column or a function that is not there, or that its definer may not use", 1356)
	set(sqlgen.Rejected, "switch sql_safe_updates and max_join_size off where the trigger or the routine sets them", 1104, 1175)

	set(sqlgen.NotWritable, "", 1288, 1348, 1393, 1394, 1395, 1471)
	set(sqlgen.NotWritable, "do not send the generated column", 1906, 3105)
	set(sqlgen.NotWritable, "give the table a primary key: the cluster needs one", 3098)
	set(sqlgen.NotWritable, "give the table another storage engine: its own takes no such change", 1031, 1556)

	set(sqlgen.Denied, "give the account its rights with GRANT", 1044, 1142, 1143, 1227, 1370)
	set(sqlgen.Denied, "create the account that the view or the trigger names as its DEFINER, or give it another one", 1449)
	set(sqlgen.Denied, "correct dbuser and dbpass, or the account's password on the server; an account that requires TLS needs mysql_ssl=1 in dsn", 1045, 1698)
	set(sqlgen.Denied, "give the account a new password, there and in dbpass: the old one has expired", 1820, 1862)
	set(sqlgen.Denied, "add mysql_ssl=1 to dsn: the server requires TLS", 3159)
	set(sqlgen.Denied, "let the account log in from this host", 1130)
	set(sqlgen.Denied, "unlock the account", 3118, 3955, 4151)
	set(sqlgen.ReadOnly, "connect to the primary server, or end read_only there", 1036, 1290, 1792, 1836, 1874)
	set(sqlgen.Full, "make room on the server's disk", 3, 1021, 1114)

	set(sqlgen.Busy, "", 1020, 1099, 1205, 1213, 1223, 3572)
	set(sqlgen.Busy, "", conflicts...)
	set(sqlgen.Busy, "raise the server's max_connections, or lower dbsep's", 1040, 1203, 1226)
	set(sqlgen.Busy, "raise the server's max_prepared_stmt_count, or look for the program that uses it up", numberTooManyStatements)
	set(sqlgen.Timeout, "", 1969, 3024)
	set(sqlgen.Unavailable, "correct the database's name in dsn, or create the database", 1046, 1049)
	set(sqlgen.Unavailable, "look at the cluster's nodes: it is not known whether the write was done", 1180, 3100) // a commit that failed
	set(sqlgen.Unavailable, "unblock this host with FLUSH HOSTS", 1129)
	set(sqlgen.Unavailable, "let the node join its cluster again", numberNotReady)
	set(sqlgen.Unavailable, "repair the table with REPAIR TABLE, or take it from a backup", 126, 127, 144, 145, 1030, 1034, 1035, 1194, 1195, 1712, 1877)
	set(sqlgen.Unavailable, "take the table from a backup: its files are missing, or cannot be read", 1016, 1017, 1033, 1812, 1814, 1932)
	set(sqlgen.Unavailable, "give the server more memory", 1037, 1038, 1041)
	set(sqlgen.Unavailable, "", 1053, 1077, 1080, 1152, 1158, 1159, 1160, 1161, 1317, 1927, 3169, 4031, 8027, 9001, 9002, 9003, 9004, 9005, 9006)
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
	return hasNumber(err, 1267, 1270, 1271, 1292, 1300, 1366, 1411, 1525, 3854, 3988)
}

// isOutdated knows MySQL's error of a value that has characters which a column does not
// take, or did not take when the statement was prepared.
func isOutdated(err error) bool { return hasNumber(err, 3988) }

// isRetryable knows the errors of a prepared statement that the server has
// dropped or cannot fit to a changed table, and of one that gave way to others: it
// has done nothing. One that has waited for a lock as long as the server lets it
// wait (1205) does not wait once more.
func isRetryable(err error) (again, wait bool) {
	if hasNumber(err, 1615, 1243) {
		return true, false
	}
	return hasNumber(err, 1213) || hasNumber(err, conflicts...), true
}

var (
	namedColumn     = regexp.MustCompile("(?:[Cc]olumn|Field) (?:'([^']+)'|(?:`[^`]+`\\.)*`([^`]+)`)")
	namedConstraint = regexp.MustCompile("for key '(?:[^'.]+\\.)?([^']+)'$|^CONSTRAINT `([^`]+)` failed for |^Check constraint '([^']+)' is violated|CONSTRAINT `([^`]+)` FOREIGN KEY")
)

// namedBy reads the messages of a server that speaks English. What it finds last is no
// part of a value.
func namedBy(err error) (column, constraint string) {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return "", ""
	}
	last := func(pattern *regexp.Regexp) string {
		all := pattern.FindAllStringSubmatch(e.Message, -1)
		if len(all) == 0 {
			return ""
		}
		return strings.Join(all[len(all)-1][1:], "")
	}
	switch knownErrors[e.Number].cause {
	case sqlgen.Duplicate:
		return "", last(namedConstraint)
	case sqlgen.Constraint, sqlgen.BadValue, sqlgen.NotWritable:
		return last(namedColumn), last(namedConstraint)
	}
	return "", "" // a trigger's message may be anything
}

// isConnectionLost knows the errors of a connection that the server or the driver
// has ended.
func isConnectionLost(err error) bool {
	return errors.Is(err, mysql.ErrInvalidConn) || hasNumber(err, 1053, 1080, 1152, 1927, 4031)
}

// needsOtherHost knows the error of a node that its cluster has left behind.
func needsOtherHost(err error) bool { return hasNumber(err, numberNotReady) }

// hasTooManyStatements knows the error of a server with max_prepared_stmt_count
// statements.
func hasTooManyStatements(err error) bool { return hasNumber(err, numberTooManyStatements) }

const (
	numberNotReady          = 1047
	numberTooManyStatements = 1461
)

func hasNumber(err error, numbers ...uint16) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && slices.Contains(numbers, e.Number)
}
