package gateway

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"dbsep/sqlgen"
)

// manyTables is a database that has every table whose name begins with t.
type manyTables struct{ Database }

func (manyTables) Describe(_ context.Context, name string) (*sqlgen.Table, error) {
	if strings.HasPrefix(name, "t") {
		return sqlgen.NewTable("t", []sqlgen.Column{{Name: "id"}}), nil
	}
	return nil, &sqlgen.Fault{Cause: sqlgen.UnknownTable, Table: name}
}

func TestNamesOfTablesAreLimited(t *testing.T) {
	c := &New(manyTables{}, Options{}).schemas
	known, unknown := 0, 0
	for i := range 2*maxNames + 1 {
		for _, name := range []string{"t" + strconv.Itoa(i), "x" + strconv.Itoa(i)} {
			if table, err := c.get(t.Context(), name); (table == nil) != (name[0] == 'x') || (err == nil) != (name[0] == 't') {
				t.Fatalf("%s: %v, %v", name, table, err)
			}
		}
		known, unknown = max(known, len(*c.cached.Load())), max(unknown, len(c.unknown))
	}
	if known != maxNames || unknown != maxNames {
		t.Errorf("%d and %d names were remembered, not %d each", known, unknown, maxNames)
	}
}

func TestLongNamesOfNoTableAreNotRemembered(t *testing.T) {
	c := &New(manyTables{}, Options{}).schemas
	for bytes, want := range map[int]bool{maxNameBytes: true, maxNameBytes + 1: false} {
		name := strings.Repeat("x", bytes)
		_, _ = c.get(t.Context(), name)
		if _, got := c.unknown[name]; got != want {
			t.Errorf("%d bytes: remembered: %v", bytes, got)
		}
	}
}
