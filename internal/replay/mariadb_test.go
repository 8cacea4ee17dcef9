package replay

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/database"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/testenv"
)

// mariadb keeps an untouched copy of every table in a second database and
// copies back those that changed.
type mariadb struct {
	db     *sql.DB
	source database.Source
	tables []string
	spare  string            // the database of the copies
	rows   map[string]rowSet // of each table
	sums   map[string]string // checksum of each table
	next   map[string]string // next generated key of each table that has them
}

func newMariaDB(t *testing.T, schema string) fixture {
	t.Helper()
	server := mariadbtest.Start(t)
	text := testenv.Script(t, schema)
	name := server.Database(t)
	f := &mariadb{
		spare: server.Database(t),
		source: database.Source{
			DSN:  fmt.Sprintf("DBI:mysql:database=%s;mysql_socket=%s", name, server.Socket),
			User: server.User, Password: server.Password,
		},
	}
	// That of the server which the requests were recorded on.
	server.Exec(t, "ALTER DATABASE "+name+" COLLATE utf8mb4_general_ci")
	f.db = openMariaDB(t, server, name)
	if server.MySQL {
		f.exec(t, "SET information_schema_stats_expiry = 0") // else the next generated key is that of yesterday
	}
	if _, err := f.db.Exec(text); err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	f.tables = column(t, f.db, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
	f.rows = map[string]rowSet{}
	for _, table := range f.tables {
		f.exec(t, "CREATE TABLE `%s`.`%s` LIKE `%[2]s`", f.spare, table)
		f.exec(t, "INSERT INTO `%s`.`%s` SELECT * FROM `%[2]s`", f.spare, table)
		f.rows[table] = f.read(t, table)
	}
	f.sums, f.next = f.checksums(t), f.nextKeys(t)
	return f
}

// openMariaDB opens a pool of one connection that takes several statements at
// once and a zero in a generated key.
func openMariaDB(t *testing.T, server *mariadbtest.Server, name string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName = server.User, server.Password, "unix", server.Socket, name
	c.MultiStatements, c.InterpolateParams = true, true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1) // what a statement sets has to hold for the next one
	t.Cleanup(func() { db.Close() })
	return db
}

func (f *mariadb) exec(t *testing.T, format string, args ...any) {
	t.Helper()
	text := fmt.Sprintf(format, args...)
	if _, err := f.db.Exec(text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func (f *mariadb) fresh(t *testing.T) database.Source {
	t.Helper()
	for table := range f.changed(t) {
		f.exec(t, "DELETE FROM `%s`", table)
		f.exec(t, "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO `%s` SELECT * FROM `%s`.`%[1]s`", table, f.spare)
	}
	for table, key := range f.nextKeys(t) {
		if key != f.next[table] {
			f.exec(t, "ALTER TABLE `%s` AUTO_INCREMENT = %s", table, f.next[table])
		}
	}
	return f.source
}

func (f *mariadb) changes(t *testing.T) []string {
	t.Helper()
	before, after := rowSet{}, rowSet{}
	for table := range f.changed(t) {
		maps.Copy(before, f.rows[table])
		maps.Copy(after, f.read(t, table))
	}
	return before.diff(after)
}

// changed returns the tables whose rows are not the fresh ones.
func (f *mariadb) changed(t *testing.T) map[string]bool {
	t.Helper()
	changed := map[string]bool{}
	for table, sum := range f.checksums(t) {
		if sum != f.sums[table] {
			changed[table] = true
		}
	}
	return changed
}

func (f *mariadb) checksums(t *testing.T) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for name, sum := range pairs(t, f.db, "CHECKSUM TABLE `"+strings.Join(f.tables, "`, `")+"`") {
		_, table, _ := strings.Cut(name, ".") // the names come with their database
		sums[table] = sum
	}
	return sums
}

func (f *mariadb) nextKeys(t *testing.T) map[string]string {
	t.Helper()
	return pairs(t, f.db, "SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL")
}

func (f *mariadb) read(t *testing.T, name string) rowSet {
	t.Helper()
	set := rowSet{}
	table{name, "SELECT * FROM `" + name + "`", isMariaDBNumber}.read(t, f.db, set)
	return set
}

func isMariaDBNumber(c *sql.ColumnType) bool {
	name := strings.TrimPrefix(c.DatabaseTypeName(), "UNSIGNED ")
	return slices.Contains([]string{"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "DECIMAL", "FLOAT", "DOUBLE", "YEAR"}, name)
}
