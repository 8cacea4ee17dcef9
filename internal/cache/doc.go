// Package cache stands between a gateway and its database and keeps copies of
// answers: for a moment, so that equal questions share one query ([Share]), and
// for hours, to be given out while the database cannot answer ([Store]).
//
// It decides when a copy may stand for an answer. It knows no SQL: a statement
// tells which table it concerns and what it asks by.
package cache
