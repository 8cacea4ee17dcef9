package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/database/sqlite"
	"dbsep/internal/inspect"
	"dbsep/internal/pgtest"
	"dbsep/internal/sqlitedriver"
)

// TestContactsWithoutAnIndexAreReported goes from a table that is too small to matter
// to one that has the index that the warning recommends.
func TestContactsWithoutAnIndexAreReported(t *testing.T) {
	for kind, open := range map[string]func(t *testing.T) (conf, account string, db *sql.DB){
		"SQLite": func(t *testing.T) (conf, account string, db *sql.DB) {
			path := filepath.Join(t.TempDir(), "a.db")
			if err := sqlite.Create(t.Context(), path, ""); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open(sqlitedriver.Name, "file:"+path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return writeConf(t, "dsn=DBI:SQLite:dbname=%s\n", path), "", db
		},
		"PostgreSQL": func(t *testing.T) (conf, account string, db *sql.DB) {
			server := pgtest.Start(t)
			name := server.Database(t)
			return writeConf(t, "dsn=DBI:Pg:dbname=%s;host=%s;port=%d\ndbuser=%s\ndbpass=%s\n",
				name, server.SocketDir, server.Port, server.User, server.Password), server.User, server.Open(t, name)
		},
	} {
		t.Run(kind, func(t *testing.T) {
			conf, account, db := open(t)
			exec := func(statement string) {
				t.Helper()
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			warns := func() []inspect.Finding {
				t.Helper()
				warnings, _ := check(t, conf, account)
				return warnings
			}
			exec("CREATE TABLE ps_contacts (id VARCHAR(255) PRIMARY KEY, uri VARCHAR(511)" + contactColumns + ")")
			exec("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO ps_contacts (id, uri) SELECT 'phone' || i, 'sip:x' FROM n")
			if got := warns(); len(got) > 0 {
				t.Errorf("of a small table: %v", got)
			}
			exec("INSERT INTO ps_contacts (id, uri) VALUES ('one more', 'sip:x')")
			got := warns()
			if len(got) != 1 || got[0].Error() != "table ps_contacts: each registration reads all its 1000 rows, since LIKE finds no index on id; create one" {
				t.Fatalf("of a large table: %v", got)
			}
			exec(got[0].SQL)
			if got := warns(); len(got) > 0 {
				t.Errorf("with the index: %v", got)
			}
			exec("ALTER TABLE ps_contacts RENAME TO contacts")
			exec("CREATE VIEW ps_contacts AS SELECT * FROM contacts")
			for _, w := range warns() {
				if w.SQL != "" {
					t.Errorf("an index of a view: %v", w)
				}
			}
		})
	}
}

// What is sorted by bytes is sorted as LIKE compares on PostgreSQL.
func TestContactsSortedByBytesNeedNoOtherIndex(t *testing.T) {
	server := pgtest.Start(t)
	name := server.Database(t)
	if _, err := server.Open(t, name).ExecContext(t.Context(),
		`CREATE TABLE ps_contacts (id VARCHAR(255) COLLATE "C" PRIMARY KEY, uri TEXT`+contactColumns+`); INSERT INTO ps_contacts (id) SELECT 'phone' || n FROM generate_series(1, 2000) n`); err != nil {
		t.Fatal(err)
	}
	conf := writeConf(t, "dsn=DBI:Pg:dbname=%s;host=%s;port=%d\ndbuser=%s\ndbpass=%s\n", name, server.SocketDir, server.Port, server.User, server.Password)
	if warnings, status := check(t, conf, server.User); len(warnings) > 0 || status != 0 {
		t.Errorf("status %d, %v", status, warnings)
	}
}

// A table that the account may not read ends no check.
func TestContactsThatMayNotBeReadAreLeftAlone(t *testing.T) {
	server := pgtest.Start(t)
	name := server.Database(t)
	server.Exec(t, "CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
	if _, err := server.Open(t, name).ExecContext(t.Context(), "CREATE TABLE ps_contacts (id VARCHAR(255), uri VARCHAR(511)"+contactColumns+")"); err != nil {
		t.Fatal(err)
	}
	conf := writeConf(t, "dsn=DBI:Pg:dbname=%s;host=%s;port=%d\ndbuser=stranger\ndbpass=stranger\n", name, server.SocketDir, server.Port)
	if warnings, status := check(t, conf, "stranger"); len(warnings) != 1 || !strings.Contains(warnings[0].Text, "Asterisk writes it, and the account may not") || status != 1 {
		t.Errorf("status %d, %v", status, warnings)
	}
}
