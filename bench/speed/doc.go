// Package speed compares how fast dbsep is with how fast the Perl script is, under
// CGI and under mod_perl, and with the least program that can serve the requests
// (bench/baseline): side by side, in one run, on one machine. See
// docs/performance.md, and "make compare-speed" for how it is run.
//
// It also lets phones register with a real Asterisk ("make compare-native"), to compare dbsep
// with Asterisk's own ODBC driver.
//
// Without the build tag bench its tests only check that every program sends the
// right response to each request that is going to be measured.
package speed
