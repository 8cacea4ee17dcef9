// Package replay holds tests only: they send dbsep the requests that others had
// before, and compare.
//
//   - testdata/golden.jsonl: requests to the Perl script dbsep.cgi with its
//     responses and what became of the rows, each with a verdict: keep the
//     response, fix it, or never do this again (danger). TestGolden sends dbsep the
//     same, as a server, as a CGI program and through dbsep-cgi. Responses of the verdict keep have to
//     be the same but for what docs/differences.md says; all others are decided, and
//     are in testdata/decided.txt.
//   - testdata/wire.jsonl: requests of an Asterisk 22, byte for byte. TestWire
//     sends them over a connection. The right responses, the same on every
//     database, are in testdata/wire-expected.txt.
//
// The schema and the rows that the requests were recorded on are the .sql
// files. Every request finds them fresh.
package replay
