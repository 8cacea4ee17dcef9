// Package asterisk holds the end-to-end tests with a real Asterisk, from a
// Debian root of their own: on SQLite, MariaDB and PostgreSQL, through `dbsep serve`, with
// the configuration of docs/asterisk.md. What Asterisk did is judged by what
// Asterisk itself says, on its command line and to the phones of the tests.
//
// They need root, mmdebstrap and the build tag e2e. The root is unpacked once,
// or kept in the folder DBSEP_E2E_ROOTS.
package asterisk
