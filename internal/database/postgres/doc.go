// Package postgres opens PostgreSQL servers of version 11 or later, and poolers in
// front of them.
package postgres
