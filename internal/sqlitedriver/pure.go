//go:build !cgo

// Package sqlitedriver is the SQLite of this build: SQLite itself, or its translation to
// Go in builds without a C compiler.
package sqlitedriver

import (
	"errors"

	sqlite3 "modernc.org/sqlite"
)

// Name is the name for [database/sql.Open]. Names of files may be URIs.
const Name = "sqlite"

// ErrorCode is the extended result code of an error.
func ErrorCode(err error) (code int, known bool) {
	var e *sqlite3.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code(), true
}

// SystemError is the system's error beneath. This driver does not report it; SQLite
// has a code of its own for a disk that is full.
func SystemError(error) error { return nil }
