// Package testenv sets up what the end-to-end tests need: databases with a
// PBX's tables, dbsep as a process of its own, Debian roots with
// the real clients, and other programs. All of it lives in temporary folders and
// on 127.0.0.1, and ends with its test.
package testenv
