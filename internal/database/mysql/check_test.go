package mysql_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/database/databasetest"
)

// TestTablesThatAClusterCannotFollow asks the server as it does where it is a node of a cluster.
func TestTablesThatAClusterCannotFollow(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)(
		"CREATE TABLE no_key (a INT)", "CREATE TABLE an_index (a INT NOT NULL, INDEX (a))", "CREATE TABLE perhaps_null (a INT, b INT NOT NULL, UNIQUE (a, b))",
		"CREATE TABLE in_part (a VARCHAR(80) NOT NULL, UNIQUE (a(10)))",
		"CREATE TABLE a_key (a INT PRIMARY KEY)", "CREATE TABLE never_null (a INT NOT NULL, b INT NOT NULL, UNIQUE (a, b))", "CREATE VIEW a_view AS SELECT * FROM no_key")
	db := databasetest.Open(t, source)
	cluster := db.Dialect().Check.Cluster
	rows, err := db.ReadRows(t.Context(), cluster.Keyless)
	if diff := cmp.Diff([]string{"an_index", "in_part", "no_key", "perhaps_null"}, slices.Concat(rows...)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if rows, err := db.ReadRows(t.Context(), cluster.Settings); err != nil || slices.ContainsFunc(rows, func(row []string) bool { return row[1] != "OFF" && row[1] != "" }) {
		t.Errorf("a server alone has %v, %v", rows, err)
	}
	for want, settings := range map[string]map[string]string{
		"":                  {"wsrep_on": "OFF", "group_replication_group_name": ""},
		"Galera":            {"wsrep_on": "ON"},
		"group replication": {"group_replication_group_name": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"},
	} {
		if got := cluster.Name(settings); got != want {
			t.Errorf("%v: %q, want %q", settings, got, want)
		}
	}
}
