//go:build !cgo

package sqlitetest

import _ "modernc.org/sqlite" // as the program is built

// Driver is the name for [database/sql.Open]; names of files are as URIs.
const Driver = "sqlite"
