//go:build cgo

// Package sqlitetest is the tests' own way to an SQLite file, past dbsep.
package sqlitetest

import _ "github.com/mattn/go-sqlite3" // as the program is built

// Driver is the name for [database/sql.Open]; names of files are as URIs.
const Driver = "sqlite3"
