package postgres

import (
	"errors"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

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
	set(sqlgen.Constraint, "", "23", "44")
	set(sqlgen.Constraint, "look at the expressions of the view, the generated column or the trigger", "22")
	set(sqlgen.BadValue, "", "22001", "22003", "22007", "22008", "22009", "22015", "22021", "22026", "22P02", "22P03", "22P05", "2200N", "42804", "428C9")
	set(sqlgen.BadValue, "send a shorter value", "54000")
	set(sqlgen.Denied, "give the account its rights with GRANT", "42501")
	set(sqlgen.Denied, "correct dbuser and dbpass, or the account's password on the server", "28P01")
	set(sqlgen.Denied, "let the account log in from this host in pg_hba.conf", "28")
	set(sqlgen.ReadOnly, "connect to the primary server, for instance with target_session_attrs=read-write in dsn, or let the account's transactions write (default_transaction_read_only)", stateReadOnly)
	set(sqlgen.Full, "make room on the server's disk", "53100")
	set(sqlgen.Busy, "", "40", "53", "55P03", "55006")
	set(sqlgen.Busy, "raise the server's max_connections, or lower dbsep's", "53300")
	set(sqlgen.Timeout, "", "57014")
	set(sqlgen.Unavailable, "", "08", "57", "58")
	set(sqlgen.Unavailable, "take [database] server_prepare out: a pooler gives statements to other connections than the one they were prepared on", "26000", "42P05")
	set(sqlgen.Unavailable, "correct dbname in dsn, or create the database", "3D000")
	return faults
}()

func classifyError(err error) (cause sqlgen.Cause, hint string) {
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e) && len(e.Code) == 5:
		f, known := knownErrors[e.Code]
		switch {
		case !known && e.Code[:2] == "22" && isMisfit(err): // no expression of the schema
			return sqlgen.BadValue, ""
		case !known:
			f = knownErrors[e.Code[:2]]
		}
		return f.cause, f.hint
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, pgconn.ErrConnClosed):
		return sqlgen.Unavailable, ""
	case errors.Is(err, pgconn.ErrReadOnlyConnection), errors.Is(err, pgconn.ErrReadWriteConnection),
		errors.Is(err, pgconn.ErrPrimaryConnection), errors.Is(err, pgconn.ErrStandbyConnection):
		return sqlgen.Unavailable, "no host is what target_session_attrs in dsn asks for"
	}
	return sqlgen.Unexpected, ""
}

// isMisfit knows the errors that the server meets while it reads the arguments of a
// statement: their context names one (since PostgreSQL 13).
func isMisfit(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && strings.Contains(e.Where, "parameter $")
}

// isRetryable knows the errors of a statement that gave way to others, and of
// one that was prepared before its table changed. A statement is a transaction of
// its own: it has done nothing.
func isRetryable(err error) (again, wait bool) {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01" || e.Routine == "RevalidateCachedQuery"), false
}

// isConnectionLost knows the errors of a connection that the server or the driver
// has ended.
func isConnectionLost(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")
	}
	return errors.Is(err, pgconn.ErrConnClosed)
}
