// Package dsn reads data source names as Perl's DBI has them, and the files that
// they lead to: option files, service files, odbc.ini. The packages of the
// databases share it; it knows no database but by the names of its settings, and
// it connects to none.
package dsn
