// Package maketest tests what make does before it compiles anything: it looks for
// Go, and for the packages that a target needs.
package maketest
