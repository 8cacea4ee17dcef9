package databasetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// WantChanges makes changes to the table peers, each some statements, and wants it to be
// described as it is now, each column as its name and its type.
func WantChanges(t *testing.T, db *database.DB, run func(statements ...string), changes [][2]string) {
	t.Helper()
	for _, change := range changes {
		run(strings.Split(change[0], "; ")...)
		wantDescribed(t, db, change[0], change[1], func(c sqlgen.Column) string {
			text := c.Name + " " + c.Type
			if c.Nullable {
				text += " null"
			}
			if c.Invisible {
				text += " invisible"
			}
			return text
		})
	}
}

// wantDescribed describes the table peers several times: what is known of it is more each
// time.
func wantDescribed(t *testing.T, db *database.DB, what, want string, text func(sqlgen.Column) string) {
	t.Helper()
	for range 3 {
		table, err := db.Describe(t.Context(), "PEERS")
		if err != nil {
			t.Fatalf("%s: %v", what, plain(err))
		}
		columns := make([]string, len(table.Columns))
		for i, c := range table.Columns {
			columns[i] = text(c)
		}
		if got := strings.Join(columns, ", "); got != want {
			t.Fatalf("%s: %s, want %s", what, got, want)
		}
	}
}

var schema = map[string]func(*testing.T, *fixture){
	"a description has the columns in the table's order": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [peers] ([name] VARCHAR(40) NOT NULL, [port] INTEGER, [host] VARCHAR(255), [rate] DOUBLE NOT NULL, [seen] DATETIME, [day] DATE, [body] BLOB)")
		table := f.describe("peers")
		if table.Name != "peers" {
			t.Errorf("name is %q", table.Name)
		}
		want := []struct {
			name     string
			class    sqlgen.Class
			nullable bool
		}{
			{"name", sqlgen.Text, false}, {"port", sqlgen.Integer, true}, {"host", sqlgen.Text, true}, {"rate", sqlgen.Float, false},
			{"seen", sqlgen.DateTime, true}, {"day", sqlgen.Date, true}, {"body", sqlgen.Binary, true},
		}
		if len(table.Columns) != len(want) {
			t.Fatalf("%d columns, want %d", len(table.Columns), len(want))
		}
		for i, w := range want {
			c := table.Columns[i]
			if c.Name != w.name || c.Class != w.class || c.Nullable != w.nullable || c.Type == "" {
				t.Errorf("column %d is %+v, want %+v", i, c, w)
			}
		}
		sized := f.Widths || f.Declares
		if sized && table.Column("name").Size != 40 {
			t.Errorf("size of name is %d, want 40", table.Column("name").Size)
		}
		if !sized && table.Column("name").Size != 0 {
			t.Errorf("size of name is %d, though no width is enforced", table.Column("name").Size)
		}
	},

	"a table is found in another case": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [SipPeers] ([FullContact] VARCHAR(10))")
		for _, name := range []string{"SipPeers", "sippeers", "SIPPEERS"} {
			if got := f.describe(name).Name; got != "SipPeers" {
				t.Errorf("%q is %q", name, got)
			}
		}
	},

	"the exact spelling comes first and none is guessed": func(t *testing.T, f *fixture) {
		if f.FoldsTables {
			t.Skip("tables cannot differ in case only")
		}
		f.setup("CREATE TABLE [Peers] ([a] INTEGER)", "CREATE TABLE [peers] ([b] INTEGER)")
		if f.describe("Peers").Column("a") == nil || f.describe("peers").Column("b") == nil {
			t.Error("the exact spelling did not win")
		}
		_, err := f.DB.Describe(t.Context(), "PEERS")
		f.wantFault("a name that fits two", err, sqlgen.UnknownTable)
	},

	"a view is described": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [base] ([id] INTEGER, [name] VARCHAR(10))",
			"INSERT INTO [base] VALUES (1, 'a')",
			"CREATE VIEW [shown] AS SELECT [name], [id] FROM [base]")
		table := f.describe("shown")
		if len(table.Columns) != 2 || table.Columns[0].Name != "name" {
			t.Errorf("columns are %+v", table.Columns)
		}
		f.wantRows("rows", f.multi(table, "name", "a"), "a|1")
	},

	"a name that is not a table is reported": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [peers] ([a] INTEGER)")
		for _, name := range []string{"", "nosuch", "peers ", "peers;", "`peers`", "peer_", "%", "information_schema.tables", "sqlite_master", "mysql.user", "a\x00b", "peers' OR '1'='1"} {
			_, err := f.DB.Describe(t.Context(), name)
			f.wantFault(name, err, sqlgen.UnknownTable)
		}
	},

	"odd names are names": func(t *testing.T, f *fixture) {
		d := f.DB.Dialect()
		odd := []string{"100rel", "call-limit", "@name", "my column", "match", `dou"ble`, "back`tick", "quo'te", "brac[ket", "per%cent", "?", "$1", ":x", "sémaphore"}
		refused := func(name string) bool { return slices.Contains(f.Refused, name) }
		odd = slices.DeleteFunc(odd, refused)
		for _, name := range slices.DeleteFunc(append([]string{"my table", "ta`ble", `ta"ble`, "order", "100"}, odd...), refused) {
			create := "CREATE TABLE " + d.Quote(name) + " ("
			for i, c := range odd {
				if i > 0 {
					create += ", "
				}
				create += d.Quote(c) + " VARCHAR(20)"
			}
			f.Setup(create + ")")
			table := f.describe(name)
			for i, c := range odd {
				if table.Columns[i].Name != c {
					t.Errorf("column %d is %q, want %q", i, table.Columns[i].Name, c)
				}
				n, err := f.store(table, c, "value")
				if n != 1 || err != nil {
					t.Fatalf("store into %q of %q: %d, %v", c, name, n, plain(err))
				}
				if got := f.single(table, c, "value"); len(got) != 1 {
					t.Errorf("%q of %q: %q", c, name, got)
				}
			}
		}
	},

	"a changed table is described as it is now": func(t *testing.T, f *fixture) {
		for _, step := range []struct{ what, sql, want string }{
			{"a new table", "CREATE TABLE [peers] ([id] VARCHAR(40) NOT NULL, [name] VARCHAR(40), [port] INTEGER)", "id text false, name text true, port integer true"},
			{"a new column", "ALTER TABLE [peers] ADD COLUMN [host] VARCHAR(40)", "id text false, name text true, port integer true, host text true"},
			{"another name", "ALTER TABLE [peers] RENAME COLUMN [host] TO [mask]", "id text false, name text true, port integer true, mask text true"},
			{"a column less", "ALTER TABLE [peers] DROP COLUMN [name]", "id text false, port integer true, mask text true"},
			{"other types", "DROP TABLE [peers]; CREATE TABLE [peers] ([id] INTEGER NOT NULL, [port] VARCHAR(40), [mask] INTEGER)", "id integer false, port text true, mask integer true"},
			{"NOT NULL", "DROP TABLE [peers]; CREATE TABLE [peers] ([id] INTEGER, [port] VARCHAR(40) NOT NULL, [mask] INTEGER)", "id integer true, port text false, mask integer true"},
			{"a view", "CREATE TABLE [base] ([id] INTEGER, [mask] VARCHAR(40)); DROP TABLE [peers]; CREATE VIEW [peers] AS SELECT [mask] FROM [base]", "mask text true"},
			{"a view of another table", "DROP VIEW [peers]; DROP TABLE [base]; CREATE TABLE [base] ([id] INTEGER, [mask] DATE); CREATE VIEW [peers] AS SELECT [mask] FROM [base]", "mask date true"},
			{"a table in its place", "DROP VIEW [peers]; DROP TABLE [base]; CREATE TABLE [next] ([port] INTEGER); ALTER TABLE [next] RENAME TO [peers]", "port integer true"},
		} {
			f.setup(strings.Split(step.sql, "; ")...)
			wantDescribed(t, f.DB, step.what, step.want, func(c sqlgen.Column) string { return fmt.Sprintf("%s %s %v", c.Name, c.Class, c.Nullable) })
		}
		f.setup("DROP TABLE [peers]")
		_, err := f.DB.Describe(t.Context(), "PEERS")
		f.wantFault("no table", err, sqlgen.UnknownTable)
	},

	"tables and views are listed": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [b] ([x] INTEGER)", "CREATE TABLE [a] ([x] INTEGER)", "CREATE VIEW [c] AS SELECT * FROM [a]")
		got, err := f.DB.Tables(t.Context())
		if want := []string{"a", "b", "c"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("tables are %q, %v; want %q", got, err, want)
		}
	},

	"the database responds to a ping and reports its version": func(t *testing.T, f *fixture) {
		if err := f.DB.Ping(t.Context()); err != nil {
			t.Error(plain(err))
		}
		if v, err := f.DB.Version(t.Context()); v == "" || err != nil {
			t.Errorf("version is %q, %v", v, err)
		}
		if f.DB.Kind() == "" || f.DB.Address() == "" {
			t.Errorf("kind is %q, address is %q", f.DB.Kind(), f.DB.Address())
		}
	},
}
