// Package mysql runs the tests of MariaDB on MySQL itself, which comes from Debian's
// unstable suite: what every database has to do, servers as they are found, the
// recorded requests, the tables of dbsep schema, and a real Asterisk.
package mysql
