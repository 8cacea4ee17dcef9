// Package sqlite opens SQLite files. SQLite itself is linked in: by cgo, or
// translated to Go in builds without a C compiler.
package sqlite
