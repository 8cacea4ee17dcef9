//go:build e2e

package mysql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	_ "dbsep/internal/database/all"
	"dbsep/internal/inspect"
	"dbsep/internal/testenv"
)

// TestCheckOnGroupReplication has a group of one server, and tables that it refuses to write.
func TestCheckOnGroupReplication(t *testing.T) {
	db, socket := startGroup(t)
	for _, text := range []string{
		"CREATE DATABASE site",
		"CREATE TABLE site.queue_rules (rule_name VARCHAR(80), time VARCHAR(32))",
		"CREATE TABLE site.unsure (a INT, b INT NOT NULL, UNIQUE (a, b))",
		"CREATE TABLE site.keyed (a INT PRIMARY KEY, b INT)",
		"CREATE TABLE site.unique_key (a INT NOT NULL, b INT NOT NULL, UNIQUE (a, b))",
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	var want []string
	for _, table := range []string{"keyed", "queue_rules", "unique_key", "unsure"} {
		var refused *mysql.MySQLError
		_, err := db.ExecContext(t.Context(), "INSERT INTO site."+table+" VALUES (1, 1)")
		if errors.As(err, &refused) && refused.Number == 3098 {
			want = append(want, table)
		} else if err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	conf := filepath.Join(t.TempDir(), "dbsep.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "dsn=DBI:mysql:database=site;mysql_socket=%s\ndbuser=root\ndbpass=\n", socket), 0o600); err != nil {
		t.Fatal(err)
	}
	r := inspect.Check(t.Context(), conf, inspect.Options{})
	var tables []string
	for _, f := range r.Findings {
		if !strings.HasPrefix(f.Text, "it has no primary key, and group replication needs one") {
			t.Errorf("%+v", f)
		}
		tables = append(tables, f.Table)
	}
	if diff := cmp.Diff(want, tables); diff != "" || len(want) != 2 {
		report, _ := json.Marshal(r)
		t.Errorf("tables that the server refuses to write (-want +got):\n%s%s", diff, report)
	}
}

// startGroup starts a MySQL that is a group by itself.
func startGroup(t *testing.T) (db *sql.DB, socket string) {
	t.Helper()
	root := testenv.UnstableRoot(t, "mysql-server-core")
	dir, err := os.MkdirTemp(filepath.Join(root, "tmp"), "group")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	inside := strings.TrimPrefix(dir, root)
	common := []string{root, "mysqld", "--no-defaults", "--user=root", "--datadir=" + inside + "/data", "--innodb-flush-method=nosync", "--innodb-doublewrite=0"}
	testenv.Output(t, nil, "chroot", append(common, "--initialize-insecure")...)
	p := testenv.Start(t, nil, "chroot", append(common,
		"--socket="+inside+"/socket", "--pid-file="+inside+"/pid", "--bind-address=127.0.0.1", "--port="+port(t), "--mysqlx=OFF", "--secure-file-priv=",
		"--report-host=127.0.0.1", "--server-id=1", "--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--plugin-load-add=group_replication.so",
		"--loose-group-replication-group-name=aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "--loose-group-replication-local-address=127.0.0.1:"+port(t),
		"--loose-group-replication-bootstrap-group=ON", "--loose-group-replication-start-on-boot=ON")...)
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.Logger = "root", "unix", filepath.Join(dir, "socket"), &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db = sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	testenv.WaitFor(t, "a group of one MySQL that takes writes", p, func(ctx context.Context) error {
		var state, readOnly string
		err := db.QueryRowContext(ctx, "SELECT member_state, @@global.super_read_only FROM performance_schema.replication_group_members").Scan(&state, &readOnly)
		if err == nil && (state != "ONLINE" || readOnly != "0") {
			err = fmt.Errorf("the member is %s, super_read_only %s", state, readOnly)
		}
		return err
	})
	return db, c.Addr
}

func port(t *testing.T) string {
	t.Helper()
	_, port, _ := strings.Cut(testenv.FreeAddress(t), ":")
	return port
}
