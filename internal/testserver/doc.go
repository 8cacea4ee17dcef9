// Package testserver starts real servers for the tests of those that know them:
// a program in a folder of its own, on a free port of 127.0.0.1, with a
// certificate, that ends with the tests.
package testserver
