//go:build e2e

package native

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"dbsep/internal/pgtest"
	"dbsep/internal/sqlitedriver"
	"dbsep/internal/testenv"
)

// A side is a table that Asterisk reaches in one way.
type side struct {
	family string // in extconfig.conf
	db     *sql.DB
	table  string
	text   string // the type that CAST makes a text of
}

// A pair is the same table twice: one that Asterisk reaches through its native
// driver, and one through dbsep.
type pair struct {
	name          string
	native, dbsep side
	empty         string // the SQL in front of the name of a table that is emptied

	nativeRows, dbsepRows [][]string // as the last write has left them
}

// newPair makes a pair of the tables calls, of a site, and table, of native. driver is
// what extconfig.conf says of the native driver.
func newPair(t *testing.T, a *testenv.Asterisk, site *testenv.Site, extconfig *strings.Builder, native *sql.DB, table, driver string) *pair {
	t.Helper()
	family := strings.ToLower(site.Kind)
	url := site.Serve(t)
	fmt.Fprintf(extconfig, "%s_native => %s,%s\n%[1]s_dbsep => curl,%[4]s/calls\n", family, driver, table, url)
	p := &pair{
		name:   site.Kind,
		native: side{family + "_native", native, table, "TEXT"},
		dbsep:  side{family + "_dbsep", site.DB, "calls", "TEXT"},
		empty:  "DELETE FROM",
	}
	switch site.Kind {
	case "MariaDB":
		p.native.text, p.dbsep.text = "CHAR", "CHAR"
	case "PostgreSQL":
		p.empty = "TRUNCATE"
	}
	extconfig.WriteString(p.native.staticFamilies(t, a, driver+",ast_config") + p.dbsep.staticFamilies(t, a, "curl,"+url+"/ast_config"))
	return p
}

// mariaDB is reached through ODBC.
func mariaDB(t *testing.T, a *testenv.Asterisk, extconfig *strings.Builder) *pair {
	t.Helper()
	site := testenv.MariaDB(t, "testdata/mariadb.sql")
	a.WriteODBC(t, site)
	return newPair(t, a, site, extconfig, site.DB, "calls_native", testenv.ODBCDriver)
}

func postgreSQL(t *testing.T, a *testenv.Asterisk, extconfig *strings.Builder) *pair {
	t.Helper()
	site, server := testenv.Postgres(t, "testdata/postgres.sql"), pgtest.Start(t)
	database := text(t, site.DB, "SELECT current_database()")
	server.Exec(t, "CREATE ROLE native LOGIN PASSWORD 'native'", "GRANT "+server.User+" TO native")
	t.Cleanup(func() { server.Exec(t, "DROP ROLE native") })
	a.Write(t, "res_pgsql.conf", fmt.Sprintf("[general]\ndbhost = 127.0.0.1\ndbport = %d\ndbname = %s\ndbuser = native\ndbpass = native\nrequirements = warn\n", server.Port, database))
	return newPair(t, a, site, extconfig, site.DB, "calls_native", "pgsql,"+database)
}

func sqlite(t *testing.T, a *testenv.Asterisk, extconfig *strings.Builder) *pair {
	t.Helper()
	site := testenv.SQLite(t, "testdata/sqlite.sql")
	site.Configure(t, "[compat]", "semicolons=raw") // the native driver encodes nothing
	file := "native.db"
	native, err := sql.Open(sqlitedriver.Name, "file:"+a.Path(file)+"?_busy_timeout=10000")
	check(t, err)
	t.Cleanup(func() { native.Close() })
	_, err = native.ExecContext(t.Context(), "PRAGMA journal_mode = WAL;"+read(t, "testdata/sqlite.sql"))
	check(t, err)
	a.Write(t, "res_config_sqlite3.conf", "[site]\ndbfile => "+a.Dir+"/"+file+"\nbatch = 0\nrequirements = warn\n")
	return newPair(t, a, site, extconfig, native, "calls", "sqlite3,site")
}

// rows are all rows of a table in their order, each value as the database's own text,
// which is quoted where it is not NULL.
func (s side) rows(t *testing.T) (all [][]string) {
	t.Helper()
	s.each(t, func(row []any) {
		texts := make([]string, len(row))
		for i, value := range row {
			texts[i] = "NULL"
			if value != nil {
				texts[i] = fmt.Sprintf("%q", value)
			}
		}
		all = append(all, texts)
	})
	return all
}

func (s side) each(t *testing.T, do func(row []any)) {
	t.Helper()
	var texts []string
	for _, c := range columns {
		texts = append(texts, "CAST("+c.name+" AS "+s.text+")")
	}
	rows, err := s.db.QueryContext(t.Context(), "SELECT "+strings.Join(texts, ", ")+" FROM "+s.table+" ORDER BY name")
	check(t, err)
	defer rows.Close()
	for rows.Next() {
		row, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i]
		}
		check(t, rows.Scan(targets...))
		for i := range row {
			if b, ok := row[i].([]byte); ok {
				row[i] = string(b)
			}
		}
		do(row)
	}
	check(t, rows.Err())
}

// align makes the rows of both tables those of dbsep's side, in the same order on disk: a
// database without an ORDER BY reads them in that order.
func (p *pair) align(t *testing.T) {
	t.Helper()
	var rows [][]any
	p.dbsep.each(t, func(row []any) { rows = append(rows, row) })
	for _, s := range []side{p.native, p.dbsep} {
		tx, err := s.db.BeginTx(t.Context(), nil)
		check(t, err)
		_, err = tx.Exec(p.empty + " " + s.table)
		check(t, err)
		for _, row := range rows {
			_, err = tx.Exec("INSERT INTO "+s.table+s.values(len(row)), row...)
			check(t, err)
		}
		check(t, tx.Commit())
	}
	p.look(t)
}

// values is VALUES with placeholders.
func (s side) values(n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = "?"
		if strings.HasPrefix(s.family, "postgresql") {
			marks[i] = fmt.Sprintf("$%d", i+1)
		}
	}
	return " VALUES (" + strings.Join(marks, ", ") + ")"
}

// look reads all rows of both tables.
func (p *pair) look(t *testing.T) {
	t.Helper()
	p.nativeRows, p.dbsepRows = p.native.rows(t), p.dbsep.rows(t)
}

func text(t *testing.T, db *sql.DB, query string) (value string) {
	t.Helper()
	check(t, db.QueryRowContext(t.Context(), query).Scan(&value))
	return value
}
