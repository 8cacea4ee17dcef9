package databasetest

import (
	"context"
	"database/sql"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// Open opens a source that has to be usable.
func Open(t testing.TB, s database.Source) *database.DB {
	t.Helper()
	db, err := database.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func Setup(t testing.TB, beside *sql.DB) func(...string) {
	return func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if _, err := beside.Exec(text); err != nil {
				t.Fatalf("%.300s: %v", text, err)
			}
		}
	}
}

func QueryText(ctx context.Context, db *database.DB, text string) (value string, err error) {
	err = db.Query(ctx, sqlgen.Statement{SQL: text}, func(columns [][]byte) error {
		value = string(columns[0])
		return nil
	})
	return value, err
}

// Nest runs a statement within a statement, so that the pool has n connections.
func Nest(t *testing.T, db *database.DB, n int) {
	t.Helper()
	err := db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT 1"}, func([][]byte) error {
		if n > 1 {
			Nest(t, db, n-1)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
}

func CauseOf(err error) sqlgen.Cause {
	var fault *sqlgen.Fault
	if errors.As(err, &fault) {
		return fault.Cause
	}
	return -1
}

// ReadColumn describes the table v and reads its one row's column c.
func ReadColumn(t *testing.T, db *database.DB) string {
	t.Helper()
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	text := "no row"
	err = db.Query(t.Context(), s, func(columns [][]byte) error {
		text = string(columns[1])
		return nil
	})
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	return text
}

// WantStaticOrder checks that lines of equal metrics come in the order of these
// words, which names and categories of a type are. run is that of Setup.
func WantStaticOrder(t *testing.T, db *database.DB, run func(...string), typ, order string) {
	t.Helper()
	run("DROP TABLE IF EXISTS ast_config",
		"CREATE TABLE ast_config (cat_metric INT, var_metric INT, commented INT, filename TEXT, category "+typ+", var_name "+typ+", var_val TEXT)")
	words := strings.Fields(order)
	for i := range words { // in no order
		run("INSERT INTO ast_config VALUES (0, 0, 0, 'a.conf', '" + words[0] + "', '" + words[(i+2)%len(words)] + "', '')")
	}
	if got := staticNames(t, db); got != order {
		t.Errorf("%s: %s, want %s", typ, got, order)
	}
}

// staticNames are the names of a static file's lines, in their order.
func staticNames(t *testing.T, db *database.DB) string {
	t.Helper()
	table, err := db.Describe(t.Context(), "ast_config")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlgen.Static(db.Dialect(), table, "a.conf")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	err = db.Query(t.Context(), s, func(columns [][]byte) error {
		names = append(names, string(columns[2]))
		return nil
	})
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	return strings.Join(names, " ")
}

// WantProblems checks that an error is all of these problems and nothing else.
func WantProblems(t *testing.T, what string, err error, want ...string) {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Errorf("%s: %v, want %q", what, err, want)
		return
	}
	got := joined.Unwrap()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %q", what, err, want)
		return
	}
	for _, w := range want {
		found := false
		for _, e := range got {
			var p *database.Problem
			found = found || errors.As(e, &p) && strings.HasPrefix(p.Text, w) && p.Key != "" && p.Hint != ""
		}
		if !found {
			t.Errorf("%s: %v, want %q", what, err, w)
		}
	}
}

func Environ(pairs ...string) func(string) string {
	return func(name string) string {
		if i := slices.Index(pairs, name); i >= 0 && i%2 == 0 {
			return pairs[i+1]
		}
		return ""
	}
}

// StrangeCertificate is the certificate of somebody else, in PEM.
func StrangeCertificate(t *testing.T) []byte {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
