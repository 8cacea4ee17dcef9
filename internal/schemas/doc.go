// Package schemas tests dbsep on tables of the kinds that sites have, which are in
// testdata: old character sets and engines, views, triggers, partitions, generated columns,
// missing keys, awkward names, and types of each database.
package schemas
