// Package mysql opens MariaDB and MySQL servers, which both DBI drivers, mysql and
// MariaDB, speak to.
package mysql
