//go:build e2e

package outage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/inspect"
	"dbsep/internal/testenv"
)

// TestCheckOnGalera has tables with and without a key on a node of a cluster.
func TestCheckOnGalera(t *testing.T) {
	node := newCluster(t).nodes[0]
	node.start(t, "--wsrep-new-cluster")
	node.exec(t, "CREATE DATABASE site",
		"CREATE TABLE site.queue_rules (rule_name VARCHAR(80), time VARCHAR(32))",
		"CREATE TABLE site.unsure (a INT, b INT NOT NULL, UNIQUE (a, b))",
		"CREATE TABLE site.part (a VARCHAR(80) NOT NULL, UNIQUE (a(10)))",
		"CREATE TABLE site.keyed (a INT PRIMARY KEY)",
		"CREATE TABLE site.unique_key (a INT NOT NULL, b INT NOT NULL, UNIQUE (a, b))",
		"CREATE VIEW site.seen AS SELECT * FROM site.queue_rules")
	conf := filepath.Join(t.TempDir(), "dbsep.conf")
	check(t, os.WriteFile(conf, fmt.Appendf(nil, "dsn=DBI:mysql:database=site;mysql_socket=%s\ndbuser=root\ndbpass=\n", node.socket), 0o600))
	out, err := command(t.Context(), testenv.Program(t), "check", "--json", conf).Output()
	var r inspect.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var tables []string
	for _, f := range r.Findings {
		if f.Text != "it has no primary key, and Galera needs one to change the same rows on each node" {
			t.Errorf("%+v", f)
		}
		tables = append(tables, f.Table)
	}
	if diff := cmp.Diff([]string{"part", "queue_rules", "unsure"}, tables); diff != "" || r.Database.Cluster != "Galera" || err == nil {
		t.Errorf("%q, %v, tables (-want +got):\n%s", r.Database.Cluster, err, diff)
	}
}
