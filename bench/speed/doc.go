// Package speed compares how fast dbsep answers with how fast the Perl script
// does, under CGI and under mod_perl, and with the least program that can answer
// (bench/baseline): side by side, in one run, on one machine. See
// docs/performance.md, and "make compare-speed" for how it is run.
//
// Without the build tag bench its tests only try that every program answers what
// is going to be measured, and answers it right.
package speed
