// Package odbc opens data sources of ODBC. Where the database behind the driver
// has a package of its own, that one opens it. Any other driver is loaded through
// unixODBC, in a build with the tag odbc.
package odbc
