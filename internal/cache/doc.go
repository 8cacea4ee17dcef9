// Package cache keeps rows between a gateway and its database: for a moment, so that
// equal queries share one ([New]), and for hours, for stale responses while the
// database is unavailable ([Store]).
//
// It decides when cached rows may be used. It does not look into the SQL of the
// database: a statement says which table it is about and which conditions it has.
package cache
