// Package cache keeps rows between a gateway and its database: for a moment, so that
// equal queries share one ([New]), and for hours, for stale responses while the
// database is unavailable ([Store]).
//
// It decides when cached rows may be used. It knows no SQL: a statement says which
// table it is about and which conditions it has.
package cache
