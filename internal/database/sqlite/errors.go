package sqlite

import (
	"errors"
	"regexp"
	"strings"
	"syscall"

	"dbsep/internal/sqlitedriver"
	"dbsep/sqlgen"
)

// readOnlyHint is for a file that may not be written.
const readOnlyHint = "let the account that dbsep runs as write the database file and its directory (for the service /var/lib/dbsep is such a one), and take mode=ro and ReadOnly out of dsn"

// SQLite's result codes (rescode.html). An extended code has a primary one in its
// last eight bits.
const (
	codeError        = 1
	codePerm         = 3
	codeBusy         = 5
	codeLocked       = 6
	codeReadOnly     = 8
	codeIOErr        = 10
	codeCorrupt      = 11
	codeFull         = 13
	codeCantOpen     = 14
	codeProtocol     = 15
	codeTooBig       = 18
	codeConstraint   = 19
	codeMismatch     = 20
	codeAuth         = 23
	codeRange        = 25
	codeNotADatabase = 26

	codeConstraintTrigger    = codeConstraint | 7<<8
	codeConstraintPrimaryKey = codeConstraint | 6<<8
	codeConstraintUnique     = codeConstraint | 8<<8
	codeConstraintRowID      = codeConstraint | 10<<8
	codeConstraintDataType   = codeConstraint | 12<<8 // a STRICT table's
	codeIOErrTempPath        = codeIOErr | 25<<8
)

const busyHint = "end the program that keeps the database file locked, or let statements wait longer"

const fullHint = "make room on the disk of the database file"

// classifyError goes by SQLite's result codes.
func classifyError(err error) (cause sqlgen.Cause, hint string) {
	code, known := sqlitedriver.ErrorCode(err)
	if !known {
		return sqlgen.Unexpected, ""
	}
	switch {
	case code&0xff == codeIOErr && errors.Is(sqlitedriver.SystemError(err), syscall.ENOSPC):
		return sqlgen.Full, fullHint
	case code&0xff == codeError:
		return classifyMessage(err.Error())
	}
	return classifyCode(code)
}

// classifyMessage distinguishes what does not compile, for which SQLite has one code.
func classifyMessage(message string) (cause sqlgen.Cause, hint string) {
	switch {
	case strings.Contains(message, "because it is a view"):
		return sqlgen.NotWritable, "give the view INSTEAD OF triggers, or write to the table behind it"
	case strings.Contains(message, "generated column"):
		return sqlgen.NotWritable, "do not send the generated column"
	case strings.Contains(message, "no such table"):
		return sqlgen.UnknownTable, ""
	case strings.Contains(message, "no such column"):
		return sqlgen.UnknownColumn, ""
	case strings.Contains(message, "no such function"), strings.Contains(message, "no such collation"), strings.Contains(message, "no such module"):
		return sqlgen.Rejected, "the schema uses a function, a collation or a module that SQLite itself does not have: correct the trigger, the view or the column"
	case strings.Contains(message, "too many levels of trigger recursion"), strings.Contains(message, "circularly defined"), strings.Contains(message, "malformed JSON"),
		strings.Contains(message, "LIKE or GLOB pattern too complex"):
		return sqlgen.Rejected, "correct the trigger or the view"
	}
	return sqlgen.Unexpected, ""
}

func classifyCode(code int) (cause sqlgen.Cause, hint string) {
	switch code {
	case codeConstraintUnique, codeConstraintPrimaryKey, codeConstraintRowID:
		return sqlgen.Duplicate, ""
	case codeConstraintTrigger:
		return sqlgen.Rejected, ""
	case codeConstraintDataType:
		return sqlgen.BadValue, ""
	case codeIOErrTempPath:
		return sqlgen.Unavailable, "SQLite sorts many rows in a file: let the account that dbsep runs as write a folder for temporary files, /var/tmp, /tmp or the one that SQLITE_TMPDIR or TMPDIR names"
	}
	switch code & 0xff {
	case codeConstraint:
		return sqlgen.Constraint, ""
	case codeMismatch, codeRange:
		return sqlgen.BadValue, ""
	case codeTooBig:
		return sqlgen.RowTooLarge, ""
	case codePerm, codeAuth:
		return sqlgen.Denied, ""
	case codeReadOnly:
		return sqlgen.ReadOnly, readOnlyHint
	case codeFull:
		return sqlgen.Full, fullHint
	case codeBusy, codeLocked, codeProtocol:
		return sqlgen.Busy, busyHint
	case codeCantOpen:
		return sqlgen.Unavailable, readOnlyHint
	case codeNotADatabase:
		return sqlgen.Unavailable, "the file is no SQLite database: correct dsn"
	case codeCorrupt:
		return sqlgen.Unavailable, "the database file is damaged: take it from a backup"
	case codeIOErr:
		return sqlgen.Unavailable, ""
	}
	return sqlgen.Unexpected, ""
}

// isAmbiguous knows the code of everything that does not compile: SQLite has no
// other for a table or column that is not there.
func isAmbiguous(err error) bool {
	code, known := sqlitedriver.ErrorCode(err)
	return known && code&0xff == codeError
}

func isRetryable(err error) (again, wait bool) {
	code, known := sqlitedriver.ErrorCode(err)
	return known && (code&0xff == codeBusy || code&0xff == codeLocked), true
}

var namedInMessage = regexp.MustCompile(`(NOT NULL|UNIQUE|CHECK) constraint failed: ([^()]+)`)

// namedBy reads SQLite's messages. None of them has a value in it.
func namedBy(err error) (column, constraint string) {
	found := namedInMessage.FindStringSubmatch(err.Error())
	if code, _ := sqlitedriver.ErrorCode(err); found == nil || code == codeConstraintTrigger {
		return "", ""
	}
	name := strings.TrimSpace(found[2])
	if found[1] == "NOT NULL" {
		_, column, _ = strings.Cut(name, ".")
		return column, ""
	}
	return "", name
}
