//go:build cgo

// Package sqlitedriver is the SQLite of this build: SQLite itself, or its translation to
// Go in builds without a C compiler.
package sqlitedriver

import (
	"errors"

	"github.com/mattn/go-sqlite3"
)

// Name is the name for [database/sql.Open]. Names of files may be URIs.
const Name = "sqlite3"

// ErrorCode is the extended result code of an error.
func ErrorCode(err error) (code int, known bool) {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return max(int(e.Code), int(e.ExtendedCode)), true
}

// SystemError is the system's error beneath, nil where there is none.
func SystemError(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && e.SystemErrno != 0 {
		return e.SystemErrno
	}
	return nil
}
