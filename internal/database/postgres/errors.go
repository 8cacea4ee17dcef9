package postgres

import (
	"errors"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"dbsep/sqlgen"
)

const stateReadOnly = "25006"

// errorInfo is what is known of an SQLSTATE.
type errorInfo struct {
	cause sqlgen.Cause
	hint  string
}

// knownErrors are the SQLSTATEs that a PBX meets, and by two
// characters the classes of those that are not distinguished.
var knownErrors = func() map[string]errorInfo {
	faults := make(map[string]errorInfo)
	set := func(cause sqlgen.Cause, hint string, states ...string) {
		for _, s := range states {
			faults[s] = errorInfo{cause, hint}
		}
	}
	set(sqlgen.UnknownTable, "", "42P01", "3F000")
	set(sqlgen.UnknownColumn, "", "42703")
	set(sqlgen.UnknownOperator, "compare a column of this type with LIKE", "42883", "42725")
	set(sqlgen.Duplicate, "", "23505")
	set(sqlgen.Constraint, "", "23", "40002")
	set(sqlgen.Rejected, "", "P0", "09", "27", "38", "39")
	set(sqlgen.Rejected, "look at the expressions of the view, the generated column or the trigger", "22")
	set(sqlgen.Rejected, "send a row that the view itself shows: it has WITH CHECK OPTION", "44000")
	set(sqlgen.Rejected, "correct the trigger, the rule or the view: it calls itself without end", "54001", "42P17")
	set(sqlgen.Rejected, "correct the trigger or the view, or what it calls", "26")
	set(sqlgen.NotWritable, "", "55000", "42809", "0A000", "428C9")
	set(sqlgen.BadValue, "", "22001", "22003", "22007", "22008", "22009", "22015", "22021", "22026", "22P02", "22P03", "22P05", "2200N", "42804")
	set(sqlgen.BadValue, "send a shorter value", "54000")
	set(sqlgen.Denied, "give the account its rights with GRANT", "42501")
	set(sqlgen.Denied, "correct dbuser and dbpass, or the account's password on the server, which may have expired (VALID UNTIL)", "28P01")
	set(sqlgen.Denied, "let the account log in from this host in pg_hba.conf", "28")
	set(sqlgen.ReadOnly, "connect to the primary server, for instance with target_session_attrs=read-write in dsn, or let the account's transactions write (default_transaction_read_only)", stateReadOnly)
	set(sqlgen.Full, "make room on the server's disk", "53100")
	set(sqlgen.Busy, "", "40", "53", "55P03", "55006")
	set(sqlgen.Busy, "raise the server's max_connections, or the CONNECTION LIMIT of the account or the database, or lower dbsep's max_connections", "53300")
	set(sqlgen.Timeout, "", "57014")
	set(sqlgen.Unavailable, "it is not known whether the write was done: look at the server's log", "40003")
	set(sqlgen.Unavailable, "", "08", "57", "58", "XX001", "XX002")
	set(sqlgen.Unavailable, "correct dbname in dsn, or create the database", "3D000")
	return faults
}()

func classifyError(err error) (cause sqlgen.Cause, hint string) {
	var e *pgconn.PgError
	var tooLong *pgproto3.ExceededMaxBodyLenErr
	switch {
	case errors.As(err, &tooLong):
		return sqlgen.RowTooLarge, ""
	case errors.As(err, &e) && len(e.Code) == 5:
		return classifyState(e)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, pgconn.ErrConnClosed):
		return sqlgen.Unavailable, ""
	case errors.Is(err, pgconn.ErrReadOnlyConnection), errors.Is(err, pgconn.ErrReadWriteConnection),
		errors.Is(err, pgconn.ErrPrimaryConnection), errors.Is(err, pgconn.ErrStandbyConnection):
		return sqlgen.Unavailable, "no host is what target_session_attrs in dsn asks for"
	}
	return sqlgen.Unexpected, ""
}

// classifyState goes by the SQLSTATE, and by its class where it is not known. Where the
// server names a place, the error is not in the statement itself: it is in an argument, or
// in a routine that a trigger or a view calls.
func classifyState(e *pgconn.PgError) (cause sqlgen.Cause, hint string) {
	f, known := knownErrors[e.Code]
	class := e.Code[:2]
	switch {
	case !known && class == "22" && isMisfit(e):
		return sqlgen.BadValue, ""
	case !known:
		f = knownErrors[class]
	}
	if class == "42" && e.Where != "" && (f.cause == sqlgen.Unexpected || f.cause == sqlgen.UnknownOperator) {
		return sqlgen.Rejected, "correct the trigger or the view, or what it calls"
	}
	if class == "28" && e.Routine == "InitializeSessionUserId" {
		return f.cause, "correct dbuser, or let the account log in with ALTER ROLE ... LOGIN"
	}
	return f.cause, f.hint
}

// namedBy returns what the server itself names, beside its message.
func namedBy(err error) (column, constraint string) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return "", ""
	}
	return e.ColumnName, e.ConstraintName
}

// isMisfit knows the errors that the server meets while it reads the arguments of a
// statement: their context names one (since PostgreSQL 13).
func isMisfit(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && strings.Contains(e.Where, "parameter $")
}

// isRetryable knows the errors of a statement that gave way to others, of one that was
// prepared before its table changed, and of one that a pooler has lost. A statement is a
// transaction of its own: it has done nothing.
func isRetryable(err error) (again, wait bool) {
	var lost lostStatement
	if errors.As(err, &lost) {
		return true, false
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false, false
	}
	conflict := e.Code == "40001" || e.Code == "40P01"
	return conflict || isOutdated(e), conflict
}

// isOutdated knows the error of a statement that was prepared before its table changed.
func isOutdated(e *pgconn.PgError) bool { return e.Routine == "RevalidateCachedQuery" }

// isConnectionLost knows the errors of a connection that the server or the driver
// has ended.
func isConnectionLost(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")
	}
	return errors.Is(err, pgconn.ErrConnClosed)
}
