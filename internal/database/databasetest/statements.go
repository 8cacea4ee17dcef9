package databasetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// peers makes a table of three rows. Its key is the name.
func (f *fixture) peers() *sqlgen.Table {
	f.t.Helper()
	f.setup("CREATE TABLE [peers] ([name] VARCHAR(40) NOT NULL PRIMARY KEY, [context] VARCHAR(80), [port] INTEGER, [rate] DOUBLE)",
		"INSERT INTO [peers] VALUES ('alice', 'internal', 5060, 0.5)",
		"INSERT INTO [peers] VALUES ('bob', 'internal', 10000, NULL)",
		"INSERT INTO [peers] VALUES ('carol', NULL, 900, 2)")
	return f.describe("peers")
}

// files makes an empty table of static files, in which category and var_name
// have a type.
func (f *fixture) files(name, typ string) *sqlgen.Table {
	f.t.Helper()
	f.setup("CREATE TABLE [" + name + "] ([id] INTEGER NOT NULL PRIMARY KEY, [cat_metric] INTEGER, [var_metric] INTEGER, [commented] INTEGER, " +
		"[filename] VARCHAR(128), [category] " + typ + ", [var_name] " + typ + ", [var_val] VARCHAR(1000))")
	return f.describe(name)
}

// addLine adds a line to a static file, with the same metrics as all others.
func (f *fixture) addLine(table *sqlgen.Table, file string, id int, category, name, value string) {
	f.t.Helper()
	_, err := f.store(table, "id", strconv.Itoa(id), "cat_metric", "1", "var_metric", "0", "commented", "0",
		"filename", file, "category", category, "var_name", name, "var_val", value)
	if err != nil {
		f.t.Fatal(plain(err))
	}
}

var statements = map[string]func(*testing.T, *fixture){
	"single reads the first row that fits": func(t *testing.T, f *fixture) {
		peers := f.peers()
		f.wantRows("one", f.single(peers, "name", "carol"), "carol|"+null+"|900|2")
		f.wantRows("several", f.single(peers, "context", "internal")[:1], f.single(peers, "context", "internal")...)
		f.wantRows("none", f.single(peers, "name", "dave"))
		f.wantRows("two conditions", f.single(peers, "context", "internal", "port", "10000"), "bob|internal|10000|"+null)
	},

	"statements are run all or none": func(t *testing.T, f *fixture) {
		peers := f.peers()
		store := func(name, port string) sqlgen.Statement {
			s, err := sqlgen.Store(f.DB.Dialect(), peers, fields("name", name, "port", port))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		destroy, err := sqlgen.Destroy(f.DB.Dialect(), peers, fields("context", "internal"))
		if err != nil {
			t.Fatal(err)
		}
		all := []sqlgen.Statement{destroy, store("dave", "1"), store("alice", "2")}
		if f.NoTransactions {
			if done, err := f.DB.ExecAll(t.Context(), all); done != 0 || CauseOf(err) != sqlgen.NotWritable {
				t.Errorf("%d %v", done, plain(err))
			}
			f.wantRows("nothing was done", f.multi(peers, "context", "internal"), "alice|internal|5060|0.5", "bob|internal|10000|"+null)
			return
		}
		if done, err := f.DB.ExecAll(t.Context(), append(all, store("carol", "3"))); done != 3 || CauseOf(err) != sqlgen.Duplicate {
			t.Errorf("a duplicate: %d %v", done, plain(err))
		}
		f.wantRows("nothing was done", f.multi(peers, "port >", "0"),
			"carol|"+null+"|900|2", "alice|internal|5060|0.5", "bob|internal|10000|"+null)
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.DB.ExecAll(canceled, all); CauseOf(err) != sqlgen.Canceled {
			t.Errorf("canceled: %v", plain(err))
		}
		if done, err := f.DB.ExecAll(t.Context(), all); done != 3 || err != nil {
			t.Errorf("%d %v", done, plain(err))
		}
		f.wantRows("all was done", f.multi(peers, "port >", "0"), "dave|"+null+"|1|"+null, "alice|"+null+"|2|"+null, "carol|"+null+"|900|2")
	},

	"a change of a table that fails leaves nothing behind": func(t *testing.T, f *fixture) {
		peers := f.peers()
		add := func(column string) string {
			return f.quote("ALTER TABLE [peers] ADD [" + column + "] INTEGER")
		}
		for _, undone := range []bool{false, !f.NoTransactions} {
			if _, err := f.DB.Alter(t.Context(), undone, []string{add("port")}); err == nil {
				t.Errorf("undone=%v: a column was added twice", undone)
			}
			f.Setup(f.quote("UPDATE [peers] SET [port] = 1 WHERE [name] = 'alice'")) // waits for no lock
			if err := f.touch(t.Context(), peers); err != nil {
				t.Errorf("undone=%v: %v", undone, plain(err))
			}
			more := []string{add(fmt.Sprintf("one %v", undone)), add(fmt.Sprintf("two %v", undone))}
			if done, err := f.DB.Alter(t.Context(), undone, more); done != 2 || err != nil {
				t.Errorf("undone=%v: %d %v", undone, done, plain(err))
			}
			if f.NoTransactions {
				return
			}
		}
	},

	"a plan shows whether all rows are read, and changes none": func(t *testing.T, f *fixture) {
		peers := f.peers()
		plan := func(s sqlgen.Statement, err error, writes bool) database.Plan {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			p, err := f.DB.Plan(t.Context(), s, writes)
			switch {
			case f.NoPlans && !errors.Is(err, database.ErrNoPlan):
				t.Errorf("%s: %v", s.SQL, err)
			case !f.NoPlans && (err != nil || len(p.Lines) == 0 && len(s.Conditions()) > 0 || slices.Contains(p.Lines, "")):
				t.Errorf("%s: %q, %v", s.SQL, p.Lines, plain(err))
			}
			return p
		}
		read, err := sqlgen.Multi(f.DB.Dialect(), peers, fields("rate", "0.5"))
		if p := plan(read, err, false); p.Scans == f.NoPlans {
			t.Errorf("it reads all rows: %v: %q", p.Scans, p.Lines)
		}
		update, err := sqlgen.Update(f.DB.Dialect(), peers, fields("name", "alice"), fields("context", "x"))
		plan(update, err, true)
		destroy, err := sqlgen.Destroy(f.DB.Dialect(), peers, fields("name", "alice"))
		plan(destroy, err, true)
		store, err := sqlgen.Store(f.DB.Dialect(), peers, fields("name", "dave"))
		plan(store, err, true)
		for _, s := range []sqlgen.Statement{update, destroy, store} {
			if err := f.DB.Check(t.Context(), s); err != nil {
				t.Errorf("%s: %v", s.SQL, plain(err))
			}
		}
		f.wantRows("afterwards", f.multi(peers, "name LIKE", "%"), "alice|internal|5060|0.5", "bob|internal|10000|"+null, "carol|"+null+"|900|2")
	},

	"multi orders numbers as numbers": func(t *testing.T, f *fixture) {
		peers := f.peers()
		f.wantRows("by port", f.multi(peers, "port >", "0"),
			"carol|"+null+"|900|2", "alice|internal|5060|0.5", "bob|internal|10000|"+null)
		f.wantRows("by name", f.multi(peers, "name LIKE", "%", "port >=", "5060"),
			"alice|internal|5060|0.5", "bob|internal|10000|"+null)
	},

	"multi has the order of another column, or none": func(t *testing.T, f *fixture) {
		peers := f.peers()
		by := func(table *sqlgen.Table, column string) []string {
			t.Helper()
			return f.rows(sqlgen.MultiBy(f.DB.Dialect(), table, fields("name LIKE", "%"), peers.Column(column)))
		}
		f.wantRows("by port", by(peers, "port"), "carol|"+null+"|900|2", "alice|internal|5060|0.5", "bob|internal|10000|"+null)
		f.wantRows("by a column that is not read", by(peers.Only(func(c *sqlgen.Column) bool { return c.Name == "name" }), "port"), "carol", "alice", "bob")
		rows := by(peers, "")
		slices.Sort(rows)
		f.wantRows("without an order", rows, "alice|internal|5060|0.5", "bob|internal|10000|"+null, "carol|"+null+"|900|2")
		f.setup("CREATE TABLE [order] ([select] INTEGER, [Order] INTEGER)", "INSERT INTO [order] VALUES (1, 2)", "INSERT INTO [order] VALUES (2, 1)")
		words := f.describe("order")
		f.wantRows("by a reserved word", f.rows(sqlgen.MultiBy(f.DB.Dialect(), words, fields("select >", "0"), words.Column("order"))), "2|1", "1|2")
	},

	"every operator compares": func(t *testing.T, f *fixture) {
		peers := f.peers()
		for _, c := range []struct{ condition, value, want string }{
			{"port", "5060", "alice"},
			{"port =", "5060", "alice"},
			{"port !=", "5060", "bob carol"},
			{"port <>", "5060", "bob carol"},
			{"port <", "5060", "carol"},
			{"port <=", "5060", "alice carol"},
			{"port >", "5060", "bob"},
			{"port >=", "5060", "alice bob"},
			{"rate", "0.5", "alice"},
			{"rate >", "0.50", "carol"},
			{"name LIKE", "%o%", "bob carol"},
			{"name not  like", "%o%", "alice"},
			{"context !=", "", "alice bob"},
			{"port LIKE", "%", "alice bob carol"},
			{"port LIKE", "%0", "alice bob carol"},
			{"port LIKE", "9_0", "carol"},
			{"port LIKE", "50%", "alice"},
			{"name LIKE", "ali", ""},
		} {
			var names []string
			for _, row := range f.multi(peers, "name LIKE", "%", c.condition, c.value) {
				name, _, _ := strings.Cut(row, "|")
				names = append(names, name)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%s %q finds %q, want %q", c.condition, c.value, got, c.want)
			}
		}
	},

	"backslash escapes in LIKE": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [extensions] ([exten] VARCHAR(20))")
		table := f.describe("extensions")
		for _, exten := range []string{"_X.", "xX.", `\_X`, `\x`, "5%", "5x", `a\b`} {
			f.exec(sqlgen.Store(f.DB.Dialect(), table, fields("exten", exten)))
		}
		for pattern, want := range map[string]string{
			`\_%`:   "_X.",
			`_X.`:   "_X. xX.",
			`\\%`:   `\_X \x`,
			`\\\_%`: `\_X`,
			`5\%`:   "5%",
			`a\\b`:  `a\b`,
			`a%\`:   "",
		} {
			got := strings.Join(f.multi(table, "exten LIKE", pattern), " ")
			if got != want && got != reversed(want) {
				t.Errorf("LIKE %s finds %q, want %q", pattern, got, want)
			}
		}
	},

	"store inserts and leaves the rest to the database": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [members] ([id] INTEGER NOT NULL PRIMARY KEY, [queue] VARCHAR(20) DEFAULT 'support', [penalty] INTEGER)")
		members := f.describe("members")
		if n, err := f.store(members, "id", "7", "penalty", ""); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, plain(err))
		}
		f.wantRows("row", f.multi(members, "id", "7"), "7|support|"+null)
	},

	"a row is overwritten by the first of its keys that is given": func(t *testing.T, f *fixture) {
		if f.NoKeys {
			t.Skip("keys are not known")
		}
		f.setup("CREATE TABLE [sites] ([id] INTEGER NOT NULL PRIMARY KEY, [host] VARCHAR(20), [path] VARCHAR(20), [name] VARCHAR(20), [note] VARCHAR(20))",
			"CREATE UNIQUE INDEX [sites_a] ON [sites] ([host], [path])", "CREATE UNIQUE INDEX [sites_b] ON [sites] ([name])", "CREATE INDEX [sites_c] ON [sites] ([note])",
			"INSERT INTO [sites] VALUES (1, 'a', '/', 'one', 'x')", "INSERT INTO [sites] VALUES (2, 'b', '/', 'two', 'y')")
		sites := f.describe("sites")
		keys, err := f.DB.Keys(t.Context(), sites)
		if err != nil || len(keys) != 3 || !slices.Equal(keys[0], []string{"id"}) {
			t.Fatalf("keys are %q, %v", keys, err)
		}
		overwrite := func(pairs ...string) (int64, error) {
			s, ok, err := sqlgen.Overwrite(f.DB.Dialect(), sites, keys, fields(pairs...))
			if !ok {
				return -1, err
			}
			return f.try(s, err)
		}
		for _, c := range []struct {
			values []string
			rows   int64
		}{
			{words("id", "1", "note", "z"), 1},
			{words("id", "1", "note", "z"), 1}, // nothing changes
			{words("host", "b", "path", "/", "note", "w"), 1},
			{words("host", "b", "note", "v"), -1}, // half a key
			{words("note", "v"), -1},
			{words("id", "9", "name", "two"), 0}, // another key than the row's own
		} {
			if n, err := overwrite(c.values...); n != c.rows || err != nil {
				t.Errorf("%q: %d rows, %v; want %d", c.values, n, plain(err), c.rows)
			}
		}
		_, err = overwrite("id", "1", "name", "two")
		f.wantFault("a name that another row has", err, sqlgen.Duplicate)
		f.wantRows("rows", f.multi(sites, "id >", "0"), "1|a|/|one|z", "2|b|/|two|w")
	},

	"keys by which equality finds no single row are none": func(t *testing.T, f *fixture) {
		if f.NoKeys {
			t.Skip("keys are not known")
		}
		f.setup("CREATE TABLE [log] ([time] DATETIME, [text] VARCHAR(20))", "CREATE VIEW [seen] AS SELECT * FROM [log]")
		for _, name := range []string{"log", "seen"} {
			if keys, err := f.DB.Keys(t.Context(), f.describe(name)); err != nil || len(keys) > 0 {
				t.Errorf("keys of %s are %q, %v", name, keys, err)
			}
		}
		f.setup("CREATE TABLE [two] ([b] INTEGER NOT NULL, [a] VARCHAR(20) NOT NULL, PRIMARY KEY ([a], [b]))")
		if keys, err := f.DB.Keys(t.Context(), f.describe("two")); err != nil || len(keys) != 1 || !slices.Equal(keys[0], []string{"a", "b"}) {
			t.Errorf("keys are %q, %v", keys, err)
		}
	},

	"update counts the rows it matches": func(t *testing.T, f *fixture) {
		peers := f.peers()
		update := func(lookup, values []sqlgen.Field) int64 {
			t.Helper()
			return f.exec(sqlgen.Update(f.DB.Dialect(), peers, lookup, values))
		}
		for what, c := range map[string]struct {
			lookup, values []sqlgen.Field
			want           int64
		}{
			"a new value":       {fields("name", "bob"), fields("port", "1"), 1},
			"the value it has":  {fields("name", "alice"), fields("port", "5060"), 1},
			"all rows":          {fields("name LIKE", "%"), fields("rate", "1"), 3},
			"all rows again":    {fields("name LIKE", "%"), fields("rate", "1"), 3},
			"no row":            {fields("name", "nobody"), fields("port", "1"), 0},
			"an empty number":   {fields("name", "carol"), fields("port", ""), 1},
			"an empty number 2": {fields("name", "carol"), fields("port", ""), 1},
		} {
			if got := update(c.lookup, c.values); got != c.want {
				t.Errorf("%s: %d, want %d", what, got, c.want)
			}
		}
		f.wantRows("carol", f.multi(peers, "name", "carol"), "carol|"+null+"|"+null+"|1")
	},

	"a column may be in the lookup and in the values": func(t *testing.T, f *fixture) {
		peers := f.peers()
		if n := f.exec(sqlgen.Update(f.DB.Dialect(), peers, fields("name", "bob"), fields("name", "robert", "port", "3"))); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
		f.wantRows("row", f.multi(peers, "name", "robert"), "robert|internal|3|"+null)
		f.wantRows("old row", f.multi(peers, "name", "bob"))
	},

	"destroy deletes what it matches": func(t *testing.T, f *fixture) {
		peers := f.peers()
		destroy := func(pairs ...string) int64 {
			return f.exec(sqlgen.Destroy(f.DB.Dialect(), peers, fields(pairs...)))
		}
		if n := destroy("name", "nobody"); n != 0 {
			t.Errorf("%d rows, want 0", n)
		}
		if n := destroy("context", "internal", "port >", "6000"); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
		if n := destroy("name LIKE", "%"); n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
	},

	"static reads a file in its order": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [ast_config] ([id] INTEGER NOT NULL PRIMARY KEY, [cat_metric] INTEGER, [var_metric] INTEGER, [commented] INTEGER, [filename] VARCHAR(128), [category] VARCHAR(128), [var_name] VARCHAR(128), [var_val] VARCHAR(1000))",
			"INSERT INTO [ast_config] VALUES (1, 2, 10, 0, 'a.conf', 'one', 'ten', 'x')",
			"INSERT INTO [ast_config] VALUES (2, 2, 9, 0, 'a.conf', 'one', 'nine', '')",
			"INSERT INTO [ast_config] VALUES (3, 10, 0, 0, 'a.conf', 'two', 'b', NULL)",
			"INSERT INTO [ast_config] VALUES (4, 10, 0, 0, 'a.conf', 'two', 'a', '2')",
			"INSERT INTO [ast_config] VALUES (5, 10, 0, 0, 'a.conf', 'two', 'a', '1')",
			"INSERT INTO [ast_config] VALUES (6, 10, 0, 1, 'a.conf', 'two', 'off', '1')",
			"INSERT INTO [ast_config] VALUES (7, 10, 0, NULL, 'a.conf', 'two', 'null', '1')",
			"INSERT INTO [ast_config] VALUES (8, 0, 0, 0, 'b.conf', 'two', 'other', '1')")
		got := f.rows(sqlgen.Static(f.DB.Dialect(), f.describe("ast_config"), "a.conf"))
		f.wantRows("rows", got, "10|two|a|2", "10|two|a|1", "10|two|b|"+null, "2|one|nine|", "2|one|ten|x")
	},

	"static sorts equal metrics by the bytes of category and name": func(t *testing.T, f *fixture) {
		texts := []string{"", " a", "1", "10", "9", "Abc", "Zz", "[a]", "_x", "abc", "abc ", "abd", "g", "zz", "é", "ü", "Ω", "中"}
		if f.DatabaseOrder {
			texts = []string{"1", "a", "b", "c"}
		}
		table := f.files("ast_config", "VARCHAR(128) "+f.IgnoreCase)
		want := map[string][]string{}
		for i := range texts {
			// The keys are in the opposite order, and so are the values.
			other := texts[len(texts)-1-i]
			f.addLine(table, "category.conf", i, other, "same", fmt.Sprint(len(texts)-1-i))
			f.addLine(table, "name.conf", 100+i, "same", other, fmt.Sprint(len(texts)-1-i))
			want["category.conf"] = append(want["category.conf"], fmt.Sprintf("1|%s|same|%d", texts[i], i))
			want["name.conf"] = append(want["name.conf"], fmt.Sprintf("1|same|%s|%d", texts[i], i))
		}
		for file := range want {
			f.wantRows(file, f.rows(sqlgen.Static(f.DB.Dialect(), table, file)), want[file]...)
		}
	},

	"static takes no category for an empty one": func(t *testing.T, f *fixture) {
		table := f.files("ast_config", "VARCHAR(128) "+f.IgnoreCase)
		f.addLine(table, "a.conf", 1, "a", "b", "4")
		f.addLine(table, "a.conf", 2, "a", "", "3")
		f.setup("INSERT INTO [ast_config] VALUES (3, 1, 0, 0, 'a.conf', 'a', NULL, '2')",
			"INSERT INTO [ast_config] VALUES (4, 1, 0, 0, 'a.conf', NULL, 'z', '1')")
		got := f.rows(sqlgen.Static(f.DB.Dialect(), table, "a.conf"))
		want := []string{"1|" + null + "|z|1", "1|a|" + null + "|2", "1|a||3", "1|a|b|4"}
		if f.DatabaseOrder {
			slices.Sort(got)
			slices.Sort(want)
		}
		f.wantRows("rows", got, want...)
	},

	"static sorts numbers and dates as such": func(t *testing.T, f *fixture) {
		for name, c := range map[string]struct {
			typ   string
			order []string
		}{
			"numbers": {"INTEGER", []string{"-1", "9", "10"}},
			"dates":   {"DATE", []string{"1999-12-31", "2026-01-02", "2026-01-10"}},
			"letters": {"CHAR(2)", []string{"10", "9x", "ab"}},
		} {
			table, order := f.files(name, c.typ), c.order
			for i := range order {
				f.addLine(table, "a.conf", i, order[len(order)-1-i], order[0], "x")
				f.addLine(table, "b.conf", 100+i, order[0], order[len(order)-1-i], "x")
			}
			for i, row := range f.rows(sqlgen.Static(f.DB.Dialect(), table, "a.conf")) {
				f.wantRows(name+" as category", []string{row}, "1|"+order[i]+"|"+order[0]+"|x")
			}
			for i, row := range f.rows(sqlgen.Static(f.DB.Dialect(), table, "b.conf")) {
				f.wantRows(name+" as name", []string{row}, "1|"+order[0]+"|"+order[i]+"|x")
			}
		}
	},

	"what require proposes can be run and suffices": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [log] ([time] DATETIME, [old] DATE)", "INSERT INTO [log] VALUES ('2026-01-02 03:04:05', '2026-01-02')")
		var required []sqlgen.Requirement
		for _, field := range fields("time", "datetime:26", "data1", "char:20", "none", "char:0", "wide", "char:40000", "small", "integer1:1", "port", "uinteger2:5",
			"id", "uinteger3:11", "big", "integer8:20", "when", "date:10", "at", "datetime:19", "rate", "float:10", "my column", "char:5", "old", "datetime:19") {
			r, err := sqlgen.ParseRequirement(field)
			if err != nil {
				t.Fatal(err)
			}
			required = append(required, r)
		}
		want := 12
		if f.FixedTypes {
			required, want = required[:len(required)-1], 11 // without old
		}
		if f.describe("log").Column("time").Size > 0 {
			want++ // it drops fractions of a second
		}
		short := sqlgen.Require(f.DB.Dialect(), f.describe("log"), required)
		if len(short) != want {
			t.Errorf("%d fall short, want %d: %+v", len(short), want, short)
		}
		for _, s := range short {
			for part := range strings.SplitSeq(s.Repair, ";") {
				f.Setup(part)
			}
		}
		if short = sqlgen.Require(f.DB.Dialect(), f.describe("log"), required); len(short) != 0 {
			t.Errorf("falls short after the repair: %+v", short)
		}
		rows := f.multi(f.describe("log"), "time", "2026-01-02 03:04:05")
		if len(rows) != 1 {
			t.Errorf("rows are %q", rows)
		}
	},
}

// reversed is the words of s in the other order: databases may sort marks
// differently.
func reversed(s string) string {
	before, after, found := strings.Cut(s, " ")
	if !found {
		return s
	}
	return after + " " + before
}

func words(all ...string) []string { return all }
