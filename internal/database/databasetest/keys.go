package databasetest

import (
	"fmt"
	"strconv"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// WantKeys stores values in a column of a type and looks for each of them. No row may be
// found whose value has another key. run is that of Setup; keys says whether the column has
// keys at all.
func WantKeys(t *testing.T, db *database.DB, run func(...string), typ string, keys bool, values ...string) {
	t.Helper()
	run("DROP TABLE IF EXISTS keyed", "CREATE TABLE keyed (n INTEGER, v "+typ+")")
	table, err := db.Describe(t.Context(), "keyed")
	if err != nil {
		t.Fatal(err)
	}
	column := table.Column("v")
	for n, value := range values {
		s, err := sqlgen.Store(db.Dialect(), table, []sqlgen.Field{{Name: "n", Value: strconv.Itoa(n)}, {Name: "v", Value: value}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), s); err != nil && CauseOf(err) != sqlgen.BadValue { // some character sets lack @
			t.Fatalf("%s: %q: %v", typ, value, plain(err))
		}
	}
	for _, value := range values {
		key, ok := column.Key(value)
		if ok != keys {
			t.Errorf("%s: %q has the key %q, %v", typ, value, key, ok)
		}
		s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: "v", Value: value}})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Query(t.Context(), s, func(row [][]byte) error {
			n, err := strconv.Atoi(string(row[0]))
			if err != nil {
				return fmt.Errorf("read the number of a row: %w", err)
			}
			if other, otherOK := column.Key(values[n]); ok && otherOK && other != key {
				t.Errorf("%s: %q finds %q, whose key is %q and not %q", typ, value, values[n], other, key)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: look for %q: %v", typ, value, plain(err))
		}
	}
}

// ASCIITexts are all printable characters, and texts that are equal in some collation.
func ASCIITexts() (all []string) {
	for c := '!'; c <= '~'; c++ {
		all = append(all, string(c))
	}
	return append(all, "a ", "a  b", "a b", "ab", "a-b", "a_b", "aa", "ae", "oe", "ue", "ss", "sz", "ch", "CH", "ll", "lj", "nj", "dz", "ij", "th",
		"i0", "y0", "u0", "v0", "w0", "1", "01", "1.0", "1e0", "bob", "BOB", "bob ", "bobi", "boby")
}
