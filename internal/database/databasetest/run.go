// Package databasetest is the one test that every kind of database passes:
// what has to be the same on all of them, independent of their SQL.
package databasetest

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// A Fixture is an empty database, opened, and what the test cannot do or know
// through it.
type Fixture struct {
	DB *database.DB

	// Setup runs SQL on a connection of its own, and fails the test where it
	// fails.
	Setup func(sql ...string)

	// Lock keeps a table from being written by others until unlock. The
	// database has to give up waiting for it after a second or two.
	Lock func(table string) (unlock func())

	// Widths says that a text longer than its column is refused.
	Widths bool

	// FoldsTables says that two tables may not differ in case only.
	FoldsTables bool

	// Pads says that a CHAR(n) keeps the spaces that fill it up.
	Pads bool

	// Declares says that a text column has the size that it was declared with,
	// though this is not guaranteed.
	Declares bool

	// NoKeys says that the keys of tables are not known, and FixedTypes that no
	// column gets another type: there is no SQL for it.
	NoKeys, FixedTypes bool

	// NoTransactions says that several statements cannot be one transaction.
	NoTransactions bool

	// NoPlans says that dbsep does not know how the database shows a plan.
	NoPlans bool

	// IgnoreCase is the clause that makes a text column ignore case when it is
	// sorted. DatabaseOrder says that there is no SQL for the order of bytes, so
	// that texts are sorted as the database has it.
	IgnoreCase    string
	DatabaseOrder bool

	// Undivided says that a duplicate is reported like any other broken constraint.
	Undivided bool

	// Refused are names that cannot be used.
	Refused []string

	// Wait is an expression whose value takes some seconds. Nil: there is none.
	Wait func(seconds int) string

	// Running counts the statements of DB that run in the database. Nil: it has no list
	// of them. AtOnce is how many may run at once; zero: as many as DB has connections.
	Running func() int
	AtOnce  int

	// Block keeps a table from being read by others until unblock. Only [RunBatches] needs
	// it.
	Block func(table string) (unblock func())

	// Types are the database's words for types that most others spell as the key:
	// "DOUBLE", "DATETIME", "BLOB".
	Types map[string]string
}

// Run runs the test. open is called once for each subtest, with that subtest.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, group := range []map[string]func(*testing.T, *fixture){schema, statements, conditions, values, faults, load} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) { test(t, &fixture{open(t), t}) })
		}
	}
	for name, test := range ending {
		t.Run(name, func(t *testing.T) {
			f := &fixture{open(t), t}
			if f.Wait == nil {
				t.Skip("no statement takes long")
			}
			test(t, f)
		})
	}
}

// RunBatches runs the test of reads of one row that wait for each other, on a database where
// they share a statement. open is called as by [Run].
func RunBatches(t *testing.T, open func(t *testing.T) Fixture) {
	for name, test := range batches {
		t.Run(name, func(t *testing.T) { test(t, &fixture{open(t), t}) })
	}
}

// fixture is what the subtests see: a Fixture with short ways to use it.
type fixture struct {
	Fixture
	t *testing.T
}

// quote quotes names the database's way: each word of text that is in
// brackets.
func (f *fixture) quote(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "]")
		b.WriteString(f.DB.Dialect().Quote(name))
		text = after
	}
}

// bareWord is what a type may be. A text in quotes has none.
var bareWord = regexp.MustCompile(`'[^']*'|\b[A-Z]+\b`)

// setup runs SQL in which names may be in brackets.
func (f *fixture) setup(sql ...string) {
	f.t.Helper()
	for i := range sql {
		typed := bareWord.ReplaceAllStringFunc(sql[i], func(word string) string {
			if typ, other := f.Types[word]; other {
				return typ
			}
			return word
		})
		sql[i] = f.quote(typed)
	}
	f.Setup(sql...)
}

func (f *fixture) describe(table string) *sqlgen.Table {
	f.t.Helper()
	t, err := f.DB.Describe(f.t.Context(), table)
	if err != nil {
		f.t.Fatalf("describe %q: %v", table, plain(err))
	}
	return t
}

// fields makes fields of names and values in turn.
func fields(pairs ...string) []sqlgen.Field {
	var fs []sqlgen.Field
	for i := 0; i < len(pairs); i += 2 {
		fs = append(fs, sqlgen.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return fs
}

// null represents NULL in rows as texts.
const null = "<NULL>"

// rows runs a query and returns its rows, each as its columns' texts joined
// with "|".
func (f *fixture) rows(s sqlgen.Statement, err error) []string {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	var rows []string
	err = f.DB.Query(f.t.Context(), s, func(columns [][]byte) error {
		texts := make([]string, len(columns))
		for i, c := range columns {
			texts[i] = string(c)
			if c == nil {
				texts[i] = null
			}
		}
		rows = append(rows, strings.Join(texts, "|"))
		return nil
	})
	if err != nil {
		f.t.Fatalf("%s: %v", s.SQL, plain(err))
	}
	return rows
}

func (f *fixture) multi(t *sqlgen.Table, pairs ...string) []string {
	f.t.Helper()
	return f.rows(sqlgen.Multi(f.DB.Dialect(), t, fields(pairs...)))
}

func (f *fixture) single(t *sqlgen.Table, pairs ...string) []string {
	f.t.Helper()
	return f.rows(sqlgen.Single(f.DB.Dialect(), t, fields(pairs...)))
}

func (f *fixture) exec(s sqlgen.Statement, err error) int64 {
	f.t.Helper()
	n, err := f.try(s, err)
	if err != nil {
		f.t.Fatalf("%s: %v", s.SQL, plain(err))
	}
	return n
}

func (f *fixture) try(s sqlgen.Statement, err error) (int64, error) {
	f.t.Helper()
	if err != nil {
		return 0, err // a value may be refused before there is a statement
	}
	return f.DB.Exec(f.t.Context(), s)
}

func (f *fixture) store(t *sqlgen.Table, pairs ...string) (int64, error) {
	f.t.Helper()
	return f.try(sqlgen.Store(f.DB.Dialect(), t, fields(pairs...)))
}

// plain shows the driver's words too.
func plain(err error) error { return errors.Join(err, errors.Unwrap(err)) }

func (f *fixture) wantRows(what string, got []string, want ...string) {
	f.t.Helper()
	if len(got) != len(want) {
		f.t.Errorf("%s: %d rows %q, want %d %q", what, len(got), got, len(want), want)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			f.t.Errorf("%s: row %d is %q, want %q", what, i, got[i], want[i])
		}
	}
}

// wantFault checks that an error is a Fault of a cause and returns it.
func (f *fixture) wantFault(what string, err error, want sqlgen.Cause) *sqlgen.Fault {
	f.t.Helper()
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) {
		f.t.Fatalf("%s: %v, which is no Fault; want %q", what, err, &sqlgen.Fault{Cause: want})
	}
	if fault.Cause != want {
		f.t.Fatalf("%s: %v; want %q", what, plain(fault), &sqlgen.Fault{Cause: want})
	}
	return fault
}

func query(ctx context.Context, db *database.DB, s sqlgen.Statement) error {
	return db.Query(ctx, s, func([][]byte) error { return nil })
}
