// Package pooler runs the tests of poolers with a pgbouncer that prepares statements by
// itself, which Debian 12 does not have.
package pooler
