package sqlgen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/sqlgen"
)

func TestUncoded(t *testing.T) {
	const (
		counts = `SELECT COUNT(CASE WHEN plain = 1 THEN 1 END), MIN(CASE WHEN plain = 1 THEN first_key END), ` +
			`COUNT(CASE WHEN caret = 1 THEN 1 END), MIN(CASE WHEN caret = 1 THEN first_key END) `
		lookup = `REPLACE(REPLACE([name], '^3B', ''), '^5E', '') LIKE '%^%'`
	)
	withCheck := *plain
	withCheck.Check = &sqlgen.CheckDialect{Decoded: func(quoted string) string { return "decoded(" + quoted + ")" }}
	for name, test := range map[string]struct {
		d       *sqlgen.Dialect
		others  []string
		key     string
		want    string
		columns int
	}{
		"of each kind": {&withCheck, []string{"nosuch", "penalty", "100rel"}, "name",
			counts + `FROM (SELECT [name] AS first_key, CASE WHEN 0 = 1 OR [name] LIKE ? ESCAPE '\' OR [100rel] LIKE ? ESCAPE '\' THEN 1 END AS plain, ` +
				`CASE WHEN 0 = 1 OR ` + lookup + ` OR decoded([100rel]) THEN 1 END AS caret FROM [queue members]) marked`, 2},
		"of an unknown database, with a key that is no text": {plain, []string{"100rel"}, "uniqueid",
			counts + `FROM (SELECT TEXT([uniqueid]) AS first_key, CASE WHEN 0 = 1 OR [name] LIKE ? ESCAPE '\' OR [100rel] LIKE ? ESCAPE '\' THEN 1 END AS plain, ` +
				`CASE WHEN 0 = 1 OR ` + lookup + ` THEN 1 END AS caret FROM [queue members]) marked`, 2},
	} {
		s, ok := sqlgen.Uncoded(test.d, members, []string{"name"}, test.others, members.Column(test.key))
		if diff := cmp.Diff(test.want, s.SQL); diff != "" || !ok || len(s.Args) != test.columns {
			t.Errorf("%s: %v, %v\n%s", name, ok, s.Args, diff)
		}
	}
	if _, ok := sqlgen.Uncoded(plain, members, []string{"nosuch"}, []string{"picture"}, members.Column("name")); ok {
		t.Error("a query without a column")
	}
}

func TestEmpty(t *testing.T) {
	if got := sqlgen.Empty(plain, members); got != "DELETE FROM [queue members]" {
		t.Errorf("got %q", got)
	}
}
