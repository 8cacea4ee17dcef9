package sqlgen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/sqlgen"
)

func TestUncoded(t *testing.T) {
	s, ok := sqlgen.Uncoded(plain, members, []string{"name", "nosuch", "100rel"})
	want := sqlgen.Statement{
		SQL:  `SELECT COUNT(*) FROM [queue members] WHERE [name] LIKE ? ESCAPE '\' OR [100rel] LIKE ? ESCAPE '\'`,
		Args: []any{"%;%", "%;%"},
	}
	if diff := cmp.Diff([]any{want.SQL, want.Args}, []any{s.SQL, s.Args}); diff != "" || !ok {
		t.Error(diff, ok)
	}
	if _, ok := sqlgen.Uncoded(plain, members, []string{"nosuch"}); ok {
		t.Error("a question without a column")
	}
}

func TestEmpty(t *testing.T) {
	if got := sqlgen.Empty(plain, members); got != "DELETE FROM [queue members]" {
		t.Errorf("got %q", got)
	}
}
