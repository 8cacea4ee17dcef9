//go:build cgo

package database_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"
	mssql "github.com/microsoft/go-mssqldb"

	"dbsep/database"
	"dbsep/database/databasetest"
)

// standIn is SQLite in the place of a SQL Server, which cannot be had here. It
// takes the statements of the kind, respells the few forms of T-SQL that SQLite
// does not have, keeps a catalog of the shape of sys.* and answers with SQL Server's
// numbers of errors.
//
// It shows that the dialect's quoting, placeholders, arguments, reading of the
// catalog, counts, MERGE and classes of errors fit together through the whole
// package. It cannot show that a SQL Server takes the text, converts and compares
// as the kind expects, or what its driver does on the wire: the first is pinned in
// TestSQLServerText, the last looked at in TestSQLServerLogin.
type standIn struct {
	driver driver.Driver
	file   string
}

func (s standIn) Driver() driver.Driver { return s.driver }

func (s standIn) Connect(context.Context) (driver.Conn, error) {
	conn, err := s.driver.Open("file:" + s.file + "?_busy_timeout=2000&_journal_mode=WAL&_synchronous=OFF")
	if err != nil {
		return nil, err
	}
	c := conn.(*sqlite3.SQLiteConn)
	for _, text := range standInCatalog {
		if _, err := c.Exec(text, nil); err != nil {
			return nil, err
		}
	}
	return &standInConn{c}, nil
}

// standInCatalog is as much of SQL Server's catalog as the kind reads.
var standInCatalog = []string{
	"ATTACH ':memory:' AS sys",
	"CREATE TABLE sys.schemas (schema_id, name)",
	"INSERT INTO sys.schemas VALUES (1, 'dbo'), (4, 'sys')",
	"CREATE TABLE sys.types (name, system_type_id, user_type_id)",
	"CREATE TABLE sys.objects (object_id, name, schema_id, type, is_ms_shipped)",
	"CREATE TABLE sys.columns (object_id, column_id, name, system_type_id, user_type_id, max_length, precision, scale, is_nullable)",
	"CREATE TABLE sys.indexes (object_id, index_id, is_primary_key, is_unique, is_disabled, has_filter)",
	"CREATE TABLE sys.index_columns (object_id, index_id, column_id, key_ordinal)",
}

// standInFill fills the catalog anew from SQLite's own.
var standInFill = []string{
	"DELETE FROM sys.objects", "DELETE FROM sys.columns", "DELETE FROM sys.types", "DELETE FROM sys.indexes", "DELETE FROM sys.index_columns",
	"INSERT INTO sys.objects SELECT rowid, name, 1, CASE type WHEN 'table' THEN 'U' ELSE 'V' END, 0 FROM main.sqlite_master WHERE type IN ('table', 'view')",
	"INSERT INTO sys.objects VALUES (-1, 'objects', 4, 'V', 1)",
	`INSERT INTO sys.columns SELECT o.object_id, p.cid + 1, p.name, name_of(p.type), name_of(p.type), width_of(p.type),
		0, CASE WHEN name_of(p.type) = 'time' THEN 7 ELSE 0 END, p."notnull" = 0 AND p.pk = 0
		FROM sys.objects o JOIN pragma_table_xinfo(o.name, 'main') p`,
	"INSERT INTO sys.types SELECT DISTINCT system_type_id, system_type_id, user_type_id FROM sys.columns",
	"INSERT INTO sys.indexes SELECT object_id, 1, 1, 1, 0, 0 FROM sys.objects",
	"INSERT INTO sys.index_columns SELECT o.object_id, 1, p.cid + 1, p.pk FROM sys.objects o JOIN pragma_table_xinfo(o.name, 'main') p WHERE p.pk > 0",
}

// standInDriver has the functions of T-SQL that statements call, and those that
// the catalog is filled with.
var standInDriver = &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
	return errors.Join(
		c.RegisterFunc("schema_id", func() int { return 1 }, true),
		c.RegisterFunc("serverproperty", func(string) string { return "16.0.4000.0" }, true),
		c.RegisterFunc("format", func(f float64, _, _ string) string { return fmt.Sprintf("%.15G", f) }, true),
		c.RegisterFunc("name_of", func(declared string) string {
			name, _, _ := strings.Cut(strings.ToLower(declared), "(")
			if name == "integer" {
				return "int"
			}
			return name
		}, true),
		c.RegisterFunc("width_of", func(declared string) int {
			_, width, _ := strings.Cut(strings.TrimSuffix(declared, ")"), "(")
			n, err := strconv.Atoi(width)
			switch {
			case err != nil:
				return -1 // (max)
			case strings.HasPrefix(declared, "n"):
				return 2 * n // in bytes
			}
			return n
		}, true),
	)
}}

// standInConn respells what it is given.
type standInConn struct{ *sqlite3.SQLiteConn }

func (c *standInConn) CheckNamedValue(v *driver.NamedValue) error {
	value, err := database.SQLServerArgument(v.Value)
	if err != nil {
		return err
	}
	if text, ok := value.(mssql.VarChar); ok {
		value = string(text)
	}
	v.Value = value
	return nil
}

func (c *standInConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	stmt, err := c.SQLiteConn.PrepareContext(ctx, respell(text))
	if err != nil {
		return nil, numbered(err)
	}
	return &standInStmt{stmt.(*sqlite3.SQLiteStmt), c, strings.Contains(text, "sys.")}, nil
}

type standInStmt struct {
	*sqlite3.SQLiteStmt
	conn    *standInConn
	catalog bool // reads it
}

func (s *standInStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	for _, fill := range standInFill {
		if !s.catalog {
			break
		}
		if _, err := s.conn.Exec(fill, nil); err != nil {
			return nil, numbered(err)
		}
	}
	rows, err := s.SQLiteStmt.QueryContext(ctx, named(args))
	return rows, numbered(err)
}

func (s *standInStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.SQLiteStmt.ExecContext(ctx, named(args))
	return result, numbered(err)
}

// named gives arguments the names that their placeholders have.
func named(args []driver.NamedValue) []driver.NamedValue {
	for i := range args {
		args[i].Name = "p" + strconv.Itoa(args[i].Ordinal)
	}
	return args
}

var (
	standInConvert = regexp.MustCompile(`CONVERT\((\w+)\(\d+\), (\[[^]]*\]), \d+\)`)
	standInMerge   = regexp.MustCompile(`^MERGE INTO (.+) WITH \(HOLDLOCK\) AS t USING \(SELECT (.+)\) AS s ON (.+) WHEN MATCHED THEN UPDATE SET (.+) WHEN NOT MATCHED THEN INSERT \((.+)\) VALUES \(.+\);$`)
)

// respell spells a statement of the dialect so that SQLite takes it. Dates are
// kept as their texts there, so that no style of CONVERT has anything to do.
func respell(text string) string {
	text = strings.ReplaceAll(text, "[dbo].", "")
	if rest, one := strings.CutPrefix(text, "SELECT TOP (1) "); one {
		text = "SELECT " + rest + " LIMIT 1"
	}
	if m := standInMerge.FindStringSubmatch(text); m != nil {
		given := regexp.MustCompile(` AS \[.*?\](,|$)`).ReplaceAllString(m[2], "$1")
		key := regexp.MustCompile(`t\.(\[.*?\]) = s\.\[.*?\]`).ReplaceAllString(strings.ReplaceAll(m[3], " AND ", ", "), "$1")
		text = "INSERT INTO " + m[1] + " (" + m[5] + ") VALUES (" + given + ") ON CONFLICT (" + key + ") DO UPDATE SET " +
			strings.ReplaceAll(m[4], " = s.", " = excluded.")
	}
	text = standInConvert.ReplaceAllString(text, "CAST($2 AS $1)")
	if strings.Contains(text, "sys.") {
		text = strings.ReplaceAll(text, " + ", " || ")
		text = strings.ReplaceAll(text, "FOR XML PATH('')", "")
	}
	return strings.ReplaceAll(text, "(max)", "")
}

// numbered gives SQLite's errors the numbers that SQL Server's have.
func numbered(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	var number int32
	switch text := e.Error(); {
	case strings.HasPrefix(text, "no such table"):
		number = 208
	case strings.HasPrefix(text, "no such column"), strings.Contains(text, "has no column"):
		number = 207
	case strings.Contains(text, "constraint failed: fits"):
		number = 2628
	case e.ExtendedCode == sqlite3.ErrConstraintUnique, e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey:
		number = 2627
	case e.ExtendedCode == sqlite3.ErrConstraintNotNull:
		number = 515
	case e.ExtendedCode == sqlite3.ErrConstraintCheck:
		number = 547
	case e.Code == sqlite3.ErrBusy, e.Code == sqlite3.ErrLocked:
		number = 1222
	default:
		return err
	}
	return mssql.Error{Number: number, Message: e.Error()}
}

// standInTypes are SQL Server's words for types.
var standInTypes = map[string]string{
	"DOUBLE": "float", "DATETIME": "datetime", "TIMESTAMP": "datetime2", "DATE": "date", "TIME": "time", "BLOB": "varbinary(max)", "BOOLEAN": "bit",
	"TEXT": "nvarchar(max)", "VARCHAR": "nvarchar", "CHAR": "char", "BIGINT": "bigint", "SMALLINT": "smallint", "TRUE": "1", "FALSE": "0",
}

// A server refuses values that do not fit; SQLite is made to by conditions.
var (
	standInWidth = regexp.MustCompile(`(\[[^]]+\]) nvarchar\((\d+)\)`)
	standInSmall = regexp.MustCompile(`(\[[^]]+\]) smallint`)
	standInDay   = regexp.MustCompile(`(\[[^]]+\]) date\b`)
	standInAlter = regexp.MustCompile(`^ALTER TABLE (\[.*\]) ALTER COLUMN (\[.*\]) (.*)$`)
)

func TestSQLServer(t *testing.T) {
	databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
		path, beside := newSQLiteFile(t)
		db := database.NewSQLServerOn(standIn{standInDriver, path})
		t.Cleanup(func() { db.Close() })
		run := setup(t, beside)
		return databasetest.Fixture{
			DB: db, Widths: true, FoldsTables: true, Types: standInTypes,
			Setup: func(texts ...string) {
				t.Helper()
				for _, text := range texts {
					run(standInSetup(text)...)
				}
			},
			Lock: func(string) func() {
				conn, err := beside.Conn(context.Background())
				if err == nil {
					_, err = conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
				}
				if err != nil {
					t.Fatal(err)
				}
				return sync.OnceFunc(func() {
					conn.ExecContext(context.Background(), "ROLLBACK")
					conn.Close()
				})
			},
		}
	})
}

// standInSetup makes of a text in SQL Server's words what SQLite is to run.
func standInSetup(text string) []string {
	text = strings.ReplaceAll(text, "[dbo].", "")
	if m := standInAlter.FindStringSubmatch(text); m != nil {
		return []string{"ALTER TABLE " + m[1] + " RENAME COLUMN " + m[2] + " TO [was]", "ALTER TABLE " + m[1] + " ADD " + m[2] + " " + m[3], "UPDATE " + m[1] + " SET " + m[2] + " = [was]"}
	}
	if strings.HasPrefix(text, "CREATE TABLE") {
		text = standInWidth.ReplaceAllString(text, "$0 CONSTRAINT fits CHECK (length($1) <= $2)")
		text = standInSmall.ReplaceAllString(text, "$0 CONSTRAINT fits CHECK ($1 BETWEEN -32768 AND 32767)")
		text = standInDay.ReplaceAllString(text, "$0 CONSTRAINT fits CHECK (date($1) = $1)")
	}
	return []string{strings.ReplaceAll(text, "(max)", "")}
}
