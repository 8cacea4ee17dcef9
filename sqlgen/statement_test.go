package sqlgen_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/sqlgen"
)

// plain is a dialect that spells everything so that a test can see it.
var plain = &sqlgen.Dialect{
	Quote:       func(name string) string { return "[" + strings.ReplaceAll(name, "]", "]]") + "]" },
	Placeholder: sqlgen.QuestionMark,
	Read: func(c *sqlgen.Column, quoted string) string {
		if c.Class == sqlgen.DateTime {
			return "+" + quoted
		}
		return quoted
	},
	AsText:   func(_ *sqlgen.Column, quoted string) string { return "TEXT(" + quoted + ")" },
	Escape:   ` ESCAPE '\'`,
	AfterOne: " ONLY ONE",
	Type: func(r sqlgen.Requirement) string {
		if bytes, unsigned := r.Integer(); bytes > 0 {
			return strings.Repeat("U", map[bool]int{true: 1}[unsigned]) + "INT" + string(rune('0'+bytes))
		}
		return strings.ToUpper(r.Type)
	},
	Add:   func(table, column, typ string) string { return "ADD " + column + " " + typ + " TO " + table },
	Alter: func(table, column, typ string) string { return "MAKE " + column + " OF " + table + " " + typ },
}

var members = sqlgen.NewTable("queue members", []sqlgen.Column{
	{Name: "name", Class: sqlgen.Text, Type: "varchar(40)", Size: 40, Nullable: true},
	{Name: "penalty", Class: sqlgen.Integer, Type: "int(11)", Size: 4, Nullable: true},
	{Name: "uniqueid", Class: sqlgen.Integer, Type: "int(11)", Size: 4},
	{Name: "100rel", Class: sqlgen.Text, Type: "text", Nullable: true},
	{Name: "since", Class: sqlgen.DateTime, Type: "datetime", Nullable: true},
	{Name: "full name", Class: sqlgen.Text, Type: "text", Nullable: true},
	{Name: "Twice", Class: sqlgen.Text, Type: "text", Nullable: true},
	{Name: "tWICE", Class: sqlgen.Text, Type: "text", Nullable: true},
	{Name: "]; x", Class: sqlgen.Text, Type: "text", Nullable: true},
	{Name: "picture", Class: sqlgen.Binary, Type: "blob", Nullable: true},
})

const allColumns = "[name], [penalty], [uniqueid], [100rel], +[since], [full name], [Twice], [tWICE], []]; x], [picture]"

// pairs makes fields of names and values in turn.
func pairs(s ...string) (fields []sqlgen.Field) {
	for i := 0; i < len(s); i += 2 {
		fields = append(fields, sqlgen.Field{Name: s[i], Value: s[i+1]})
	}
	return fields
}

func single(f []sqlgen.Field) (sqlgen.Statement, error)  { return sqlgen.Single(plain, members, f) }
func multi(f []sqlgen.Field) (sqlgen.Statement, error)   { return sqlgen.Multi(plain, members, f) }
func destroy(f []sqlgen.Field) (sqlgen.Statement, error) { return sqlgen.Destroy(plain, members, f) }
func store(f []sqlgen.Field) (sqlgen.Statement, error) {
	return sqlgen.Store(plain, members, f)
}

// multiBy orders by a column of another table with the same columns and more; empty: none.
func multiBy(order string) func([]sqlgen.Field) (sqlgen.Statement, error) {
	var column *sqlgen.Column
	if order != "" {
		column = &sqlgen.Column{Name: order}
	}
	return func(f []sqlgen.Field) (sqlgen.Statement, error) { return sqlgen.MultiBy(plain, members, f, column) }
}

func updateOf(values ...string) func([]sqlgen.Field) (sqlgen.Statement, error) {
	return func(lookup []sqlgen.Field) (sqlgen.Statement, error) {
		return sqlgen.Update(plain, members, lookup, pairs(values...))
	}
}

func TestStatement(t *testing.T) {
	const from = " FROM [queue members] WHERE "
	for _, test := range []struct {
		name   string
		make   func([]sqlgen.Field) (sqlgen.Statement, error)
		fields []sqlgen.Field
		sql    string
		args   []any
	}{
		{"single reads one row", single, pairs("name", "alice"),
			"SELECT " + allColumns + from + "[name] = ? ONLY ONE", []any{"alice"}},
		{"multi orders by the first field's column", multi, pairs("penalty >=", "0", "name", "x"),
			"SELECT " + allColumns + from + "[penalty] >= ? AND [name] = ? ORDER BY [penalty]", []any{"0", "x"}},
		{"multi by another column", multiBy("uniqueid"), pairs("penalty >=", "0"),
			"SELECT " + allColumns + from + "[penalty] >= ? ORDER BY [uniqueid]", []any{"0"}},
		{"multi by a column that is not read", multiBy("hidden"), pairs("penalty >=", "0"),
			"SELECT " + allColumns + from + "[penalty] >= ? ORDER BY [hidden]", []any{"0"}},
		{"multi by a column called 1", multiBy("1"), pairs("penalty >=", "0"),
			"SELECT " + allColumns + from + "[penalty] >= ? ORDER BY [1]", []any{"0"}},
		{"multi by nothing", multiBy(""), pairs("penalty >=", "0"),
			"SELECT " + allColumns + from + "[penalty] >= ?", []any{"0"}},
		{"single, after others with the same conditions", single, pairs("penalty >=", "0"),
			"SELECT " + allColumns + from + "[penalty] >= ? ONLY ONE", []any{"0"}},
		{"names are found without regard to case", single, pairs("NAME", "x"),
			"SELECT " + allColumns + from + "[name] = ? ONLY ONE", []any{"x"}},
		{"where case would have to choose, only the exact spelling counts", destroy, pairs("Twice", "x", "tWICE", "y"),
			"DELETE" + from + "[Twice] = ? AND [tWICE] = ?", []any{"x", "y"}},
		{"a name may hold spaces, digits and quotes", destroy, pairs("full name", "a", "100rel", "b", "]; x", "c"),
			"DELETE" + from + "[full name] = ? AND [100rel] = ? AND []]; x] = ?", []any{"a", "b", "c"}},
		{"a name with spaces takes an operator too", destroy, pairs("full name LIKE", "a"),
			"DELETE" + from + `[full name] LIKE ? ESCAPE '\'`, []any{"a"}},
		{"every operator, in any case, with any number of spaces", destroy,
			pairs("name =", "1", "name !=", "", "name  <>", "3", "name <", "4", "name <=", "5", "name >", "6", " name  >= ", "7",
				"name like", "8", "name  not  LiKe ", "9"),
			"DELETE" + from + "[name] = ? AND [name] <> ? AND [name] <> ? AND [name] < ? AND [name] <= ? AND [name] > ? AND [name] >= ? AND " +
				`[name] LIKE ? ESCAPE '\' AND [name] NOT LIKE ? ESCAPE '\'`, []any{"1", "", "3", "4", "5", "6", "7", "8", "9"}},
		{"signs directly behind the name, with spaces after them", destroy, // app_meetme
			pairs("name<= ", "1", "penalty>=", "2", "name!=", "3", "name==", "4", "full name<> ", "5", "name>", "6", "name =", "7"),
			"DELETE" + from + "[name] <= ? AND [penalty] >= ? AND [name] <> ? AND [name] = ? AND [full name] <> ? AND [name] > ? AND [name] = ?",
			[]any{"1", "2", "3", "4", "5", "6", "7"}},
		{"one column may be in several conditions", destroy, pairs("name", "a", "name", "b"),
			"DELETE" + from + "[name] = ? AND [name] = ?", []any{"a", "b"}},
		{"LIKE compares other columns as text", destroy, pairs("penalty LIKE", "%"),
			"DELETE" + from + `TEXT([penalty]) LIKE ? ESCAPE '\'`, []any{"%"}},
		{"a pattern as long as it may be, and a longer value", destroy, pairs("name LIKE", strings.Repeat("%a", 128), "name", strings.Repeat("a", 5000)),
			"DELETE" + from + `[name] LIKE ? ESCAPE '\' AND [name] = ?`, []any{strings.Repeat("%a", 128), strings.Repeat("a", 5000)}},
		{"a pattern's last backslash is closed", destroy, pairs("name LIKE", `a\\b\`, "name NOT LIKE", `a\\`),
			"DELETE" + from + `[name] LIKE ? ESCAPE '\' AND [name] NOT LIKE ? ESCAPE '\'`, []any{`a\\b\\`, `a\\`}},
		{"store keeps the order of its fields", store, pairs("uniqueid", "1", "name", "x=y;'"),
			"INSERT INTO [queue members] ([uniqueid], [name]) VALUES (?, ?)", []any{"1", "x=y;'"}},
		{"an empty value is NULL where the column is no text and can be NULL", store,
			pairs("penalty", "", "uniqueid", "", "name", "", "since", "", "picture", ""),
			"INSERT INTO [queue members] ([penalty], [uniqueid], [name], [since], [picture]) VALUES (?, ?, ?, ?, ?)",
			[]any{nil, "", "", nil, ""}},
		{"update takes values first, then conditions; one column may be in both", updateOf("name", "new", "penalty", ""), pairs("name", "old"),
			"UPDATE [queue members] SET [name] = ?, [penalty] = ? WHERE [name] = ?", []any{"new", nil, "old"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // the text of a statement is built once
				s, err := test.make(test.fields)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]any{test.sql, test.args}, []any{s.SQL, s.Args}); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// Queries of a table are distinguished, however many there are, and those of
// one dialect are not used for another.
func TestQueriesAreDistinguished(t *testing.T) {
	table := sqlgen.NewTable("t", []sqlgen.Column{{Name: "a"}, {Name: "b"}})
	other := *plain
	other.Quote = func(name string) string { return "<" + name + ">" }
	columns := map[*sqlgen.Dialect][2]string{plain: {"[a]", "[b]"}, &other: {"<a>", "<b>"}}
	for range 2 {
		for n := range 100 {
			for d, c := range columns {
				var lookup []string
				var where []string
				var args []any
				for bit := range 7 {
					lookup = append(lookup, "ab"[n>>bit&1:][:1], strconv.Itoa(bit))
					where = append(where, c[n>>bit&1]+" = ?")
					args = append(args, strconv.Itoa(bit))
				}
				s, err := sqlgen.Single(d, table, pairs(lookup...))
				if err != nil {
					t.Fatal(err)
				}
				_, conditions, _ := strings.Cut(s.SQL, " WHERE ")
				if diff := cmp.Diff([]any{strings.Join(where, " AND ") + " ONLY ONE", args}, []any{conditions, s.Args}); diff != "" {
					t.Error(diff)
				}
			}
		}
	}
}

// Queries whose values are of another kind have another text where the dialect compares
// no numbers with words.
func TestQueriesOfOtherKindsAreDistinguished(t *testing.T) {
	d := *plain
	d.SameType = func(quoted string, number bool) string {
		return map[bool]string{true: "NUMBER ", false: "WORD "}[number] + quoted
	}
	table := sqlgen.NewTable("t", []sqlgen.Column{{Name: "day", Class: sqlgen.Date}})
	for range 2 {
		for value, want := range map[string]string{"2026-01-02": "WORD [day]", "20260102": "NUMBER [day]"} {
			s, err := sqlgen.Single(&d, table, pairs("day >", value))
			if err != nil || !strings.Contains(s.SQL, want) {
				t.Errorf("%s: %s, %v; want %s", value, s.SQL, err, want)
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	const name = "queue members"
	for _, test := range []struct {
		name   string
		make   func([]sqlgen.Field) (sqlgen.Statement, error)
		fields []sqlgen.Field
		want   sqlgen.Fault
	}{
		{"single without a condition", single, nil, sqlgen.Fault{Cause: sqlgen.NoCondition, Table: name}},
		{"multi without a condition", multi, nil, sqlgen.Fault{Cause: sqlgen.NoCondition, Table: name}},
		{"ordered multi without a condition", multiBy("uniqueid"), nil, sqlgen.Fault{Cause: sqlgen.NoCondition, Table: name}},
		{"destroy without a condition", destroy, nil, sqlgen.Fault{Cause: sqlgen.NoCondition, Table: name}},
		{"update without a condition", updateOf("name", "x"), nil, sqlgen.Fault{Cause: sqlgen.NoCondition, Table: name}},
		{"update without a value", updateOf(), pairs("name", "x"), sqlgen.Fault{Cause: sqlgen.NoValue, Table: name}},
		{"store without a value", store, nil, sqlgen.Fault{Cause: sqlgen.NoValue, Table: name}},
		{"a column that is not there", single, pairs("nosuch", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "nosuch"}},
		{"one unknown column fails the whole request", destroy, pairs("name", "x", "nosuch >", "1"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "nosuch"}},
		{"a spelling between two columns", single, pairs("twice", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "twice"}},
		{"a pattern that is too long", multi, pairs("name LIKE", strings.Repeat("%a", 128)+"b"), sqlgen.Fault{Cause: sqlgen.BadValue, Table: name, Column: "name", Hint: "send a LIKE pattern of at most 256 bytes"}},
		{"a pattern that is too long for any column", destroy, pairs("name", "x", "penalty NOT LIKE", strings.Repeat("1", 257)), sqlgen.Fault{Cause: sqlgen.BadValue, Table: name, Column: "penalty", Hint: "send a LIKE pattern of at most 256 bytes"}},
		{"an operator that is none", multi, pairs("name RLIKE", "x"), sqlgen.Fault{Cause: sqlgen.UnknownOperator, Table: name, Column: "name RLIKE"}},
		{"signs that are no operator", multi, pairs("name=<", "x"), sqlgen.Fault{Cause: sqlgen.UnknownOperator, Table: name, Column: "name=<"}},
		{"two operators", multi, pairs("name < >", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "name <"}},
		{"LIKE after a sign", multi, pairs("name= LIKE", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "name="}},
		{"signs alone", multi, pairs("<=", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "<="}},
		{"signs behind a name that is not there", multi, pairs("nosuch<= ", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "nosuch"}},
		{"an operator alone", multi, pairs("LIKE", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "LIKE"}},
		{"NOT LIKE alone", multi, pairs("NOT LIKE", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "NOT"}},
		{"SQL for a name", destroy, pairs("TRUE OR name LIKE", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "TRUE OR name"}},
		{"NOT before a name", multi, pairs("NOT name LIKE", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "NOT name"}},
		{"a tab before the operator", multi, pairs("name\tLIKE", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "name\tLIKE"}},
		{"store into a column that is not there", store, pairs("name", "x", "nosuch", "1"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "nosuch"}},
		{"an operator in a value's name", updateOf("name LIKE", "x"), pairs("name", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "name LIKE"}},
		{"two values for one column", store, pairs("name", "x", "NAME", "y"), sqlgen.Fault{Cause: sqlgen.RepeatedColumn, Table: name, Column: "name"}},
		{"an unknown column in update's lookup", updateOf("name", "x"), pairs("nosuch", "x"), sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: name, Column: "nosuch"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := test.make(test.fields)
			var fault *sqlgen.Fault
			if !errors.As(err, &fault) {
				t.Fatalf("got %v and error %v, want a fault", s, err)
			}
			if diff := cmp.Diff(test.want, *fault); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatic(t *testing.T) {
	column := func(name string) sqlgen.Column { return sqlgen.Column{Name: name} }
	files := sqlgen.NewTable("ast_config", []sqlgen.Column{
		column("id"), column("CAT_metric"), column("var_metric"), column("commented"), column("filename"),
		column("category"), column("var_name"), column("var_val"),
	})
	const read = "SELECT [CAT_metric], [category], [var_name], [var_val] FROM [ast_config] WHERE [filename] = ? AND [commented] = 0 " +
		"ORDER BY [CAT_metric] DESC, [var_metric], [category], [var_name]"
	t.Run("the file is an argument, and id settles the order", func(t *testing.T) {
		s, err := sqlgen.Static(plain, files, "x' OR 1=1")
		if diff := cmp.Diff([]any{read + ", [id]", []any{"x' OR 1=1"}}, []any{s.SQL, s.Args}); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
	t.Run("without an id the order is that of the native drivers", func(t *testing.T) {
		s, err := sqlgen.Static(plain, sqlgen.NewTable("ast_config", files.Columns[1:]), "x")
		if diff := cmp.Diff(read, s.SQL); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
	t.Run("texts are in the order of their bytes, all else in its own", func(t *testing.T) {
		d := *plain
		d.ByteOrder = func(_ *sqlgen.Column, quoted string) string { return "BYTES " + quoted }
		columns := slices.Clone(files.Columns)
		for i, class := range []sqlgen.Class{sqlgen.Integer, sqlgen.Integer, sqlgen.Decimal, sqlgen.Integer, sqlgen.Text, sqlgen.Text, sqlgen.Other, sqlgen.Text} {
			columns[i].Class = class
		}
		s, err := sqlgen.Static(&d, sqlgen.NewTable("ast_config", columns), "x")
		_, order, _ := strings.Cut(s.SQL, " ORDER BY ")
		if diff := cmp.Diff("[CAT_metric] DESC, [var_metric], BYTES [category], BYTES [var_name], [id]", order); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
	t.Run("a table of another kind is refused by the column it lacks", func(t *testing.T) {
		_, err := sqlgen.Static(plain, members, "x")
		var fault *sqlgen.Fault
		if !errors.As(err, &fault) || fault.Cause != sqlgen.UnknownColumn || fault.Column != "cat_metric" {
			t.Errorf("got %v", err)
		}
	})
}

func TestDollarPlaceholdersAreNumbered(t *testing.T) {
	d := *plain
	d.Placeholder = sqlgen.Dollar
	s, err := sqlgen.Update(&d, members, pairs("name", "a", "penalty >", "1"), pairs("penalty", "2"))
	if want := "UPDATE [queue members] SET [penalty] = $1 WHERE [name] = $2 AND [penalty] > $3"; err != nil || s.SQL != want {
		t.Errorf("got %q and %v, want %q", s.SQL, err, want)
	}
}

// FuzzStatement shows that with any content of a request the text of its statement
// is made of the table's names alone, and that there are as many placeholders
// as arguments.
func FuzzStatement(f *testing.F) {
	f.Add("name", "x", "penalty LIKE", "%")
	f.Add("TRUE OR name LIKE", "1", "]; x", "'; DROP TABLE x --")
	f.Add("name NOT LIKE", `\`, " ", "?")
	f.Add("full name  >=", "", "since", "")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		fields := pairs(name1, value1, name2, value2)
		for _, make := range []func([]sqlgen.Field) (sqlgen.Statement, error){single, multi, store, destroy, updateOf(name2, value2)} {
			s, err := make(fields)
			if err != nil {
				var fault *sqlgen.Fault
				if !errors.As(err, &fault) || fault.Error() == "" {
					t.Errorf("error %v is no fault", err)
				}
				continue
			}
			if n := strings.Count(s.SQL, "?"); n != len(s.Args) {
				t.Errorf("%d placeholders for %d arguments in %q", n, len(s.Args), s.SQL)
			}
			if rest := withoutVocabulary(s.SQL); rest != "" {
				t.Errorf("%q is in the text of %q", rest, s.SQL)
			}
		}
	})
}

// withoutVocabulary takes from a statement all that the package and the dialect
// of these tests can put into one.
func withoutVocabulary(sql string) string {
	for _, c := range members.Columns {
		sql = strings.ReplaceAll(sql, plain.Quote(c.Name), "")
	}
	sql = strings.ReplaceAll(sql, "0 = 1", "")
	for _, word := range []string{
		"[queue members]", "INSERT INTO", "DELETE FROM", "UPDATE", "SELECT", "ONLY ONE", "ORDER BY", "FROM", "WHERE",
		"IS NOT NULL", "VALUES", "SET", "TEXT", `ESCAPE '\'`, "NOT LIKE", "LIKE", "AND", "<>", "<=", ">=", "<", ">", "=", "+", "?", ",", "(", ")", " ",
	} {
		sql = strings.ReplaceAll(sql, word, "")
	}
	return sql
}

func TestWhatAStatementConcerns(t *testing.T) {
	lookup := pairs("name", "alice", "penalty >=", "1")
	values := pairs("PENALTY", "5", "note", "x")
	table := sqlgen.NewTable("members", []sqlgen.Column{
		{Name: "name", Collation: sqlgen.CaseSensitive}, {Name: "penalty", Class: sqlgen.Integer}, {Name: "hidden", Invisible: true}, {Name: "note"},
	})
	for what, c := range map[string]struct {
		make func() (sqlgen.Statement, error)
		key  string
		ok   bool
		sets bool // the penalty
	}{
		"single":  {func() (sqlgen.Statement, error) { return sqlgen.Single(plain, table, lookup) }, "alice", true, false},
		"multi":   {func() (sqlgen.Statement, error) { return sqlgen.Multi(plain, table, lookup) }, "alice", true, false},
		"destroy": {func() (sqlgen.Statement, error) { return sqlgen.Destroy(plain, table, lookup) }, "alice", true, false},
		"update":  {func() (sqlgen.Statement, error) { return sqlgen.Update(plain, table, lookup, values) }, "alice", true, true},
		"store":   {func() (sqlgen.Statement, error) { return sqlgen.Store(plain, table, values) }, "", false, true},
		"no value": {func() (sqlgen.Statement, error) {
			return sqlgen.Single(plain, table, pairs("note", "x", "name LIKE", "a"))
		}, "", false, false},
	} {
		s, err := c.make()
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range []string{"", "name"} {
			name, key, ok := s.Key(column)
			if key != c.key || ok != c.ok || ok && name != "name" {
				t.Errorf("%s: %q: %q, %q, %v", what, column, name, key, ok)
			}
		}
		if _, key, ok := s.Key("penalty"); ok {
			t.Errorf("%s: penalty is %q", what, key)
		}
		position := -1
		if what == "single" || what == "multi" || what == "no value" {
			position = 2 // behind an invisible column
		}
		if s.Position("NOTE") != position || s.Position("hidden") != -1 || s.Position("nosuch") != -1 {
			t.Errorf("%s: the note is at %d, the hidden column at %d", what, s.Position("NOTE"), s.Position("hidden"))
		}
		if s.Sets("penalty") != c.sets || s.Sets("name") || s.Table != "members" {
			t.Errorf("%s: sets penalty %v, name %v", what, s.Sets("penalty"), s.Sets("name"))
		}
	}
}

func TestAConditionMeansNoMoreThanItsValue(t *testing.T) {
	coerces, untyped := *plain, *plain
	coerces.Coerces = true
	untyped.SameType = func(quoted string, number bool) string {
		return map[bool]string{true: "NUMBER ", false: "WORD "}[number] + quoted
	}
	table := sqlgen.NewTable("t", []sqlgen.Column{
		{Name: "tiny", Class: sqlgen.Integer, Size: 1}, {Name: "byte", Class: sqlgen.Integer, Size: 1, Unsigned: true},
		{Name: "big", Class: sqlgen.Integer, Size: 8},
		{Name: "any", Class: sqlgen.Integer}, {Name: "rate", Class: sqlgen.Decimal}, {Name: "on", Class: sqlgen.Boolean},
		{Name: "day", Class: sqlgen.Date}, {Name: "at", Class: sqlgen.DateTime}, {Name: "time", Class: sqlgen.Time},
		{Name: "text", Class: sqlgen.Text}, {Name: "odd", Class: sqlgen.Other},
	})
	const refused, nothing, everything = "refused", "0 = 1", "IS NOT NULL"
	for _, c := range []struct {
		name, value             string
		plain, coerces, untyped string // the condition behind WHERE, with @ for the column
	}{
		{"tiny", "127", "@ = ?", "@ = ?", "@ = ?"},
		{"tiny", "128", nothing, nothing, nothing},
		{"tiny <", "128", everything, everything, everything},
		{"tiny <=", "127", "@ <= ?", "@ <= ?", "@ <= ? AND NUMBER @"},
		{"tiny >", "-129", everything, everything, everything},
		{"tiny <", "-129", nothing, nothing, nothing},
		{"tiny >=", "128", nothing, nothing, nothing},
		{"tiny !=", "128", everything, everything, everything},
		{"tiny", "-128", "@ = ?", "@ = ?", "@ = ?"},
		{"tiny", "-129", nothing, nothing, nothing},
		{"byte", "0", "@ = ?", "@ = ?", "@ = ?"},
		{"byte", "-1", nothing, nothing, nothing},
		{"big", "-9223372036854775808", "@ = ?", "@ = ?", "@ = ?"},
		{"big", "-9223372036854775809", nothing, nothing, nothing},
		{"big", "9223372036854775807", "@ = ?", "@ = ?", "@ = ?"},
		{"big", "9223372036854775808", nothing, nothing, nothing},
		{"byte >=", "-1", everything, everything, everything},
		{"byte", "255", "@ = ?", "@ = ?", "@ = ?"},
		{"byte", "256", nothing, nothing, nothing},
		{"any >", "99999999999999999999", "@ > ?", "@ > ?", "@ > ? AND NUMBER @"},
		{"any", "", nothing, nothing, "@ = ?"},
		{"any !=", "", everything, everything, "@ <> ?"},
		{"any <", "", refused, refused, refused},
		{"any LIKE", "x%", "TEXT(@) LIKE ? ESCAPE '\\'", "TEXT(@) LIKE ? ESCAPE '\\'", "TEXT(@) LIKE ? ESCAPE '\\'"},
		{"rate >", "1.5x", refused, refused, refused},
		{"rate", "1.5x", nothing, nothing, "@ = ?"},
		{"rate >", "inf", "@ > ?", refused, "@ > ? AND WORD @"},
		{"on !=", "yes", "@ <> ?", "@ <> ?", "@ <> ? AND WORD @"},
		{"on >", "1", "@ > ?", "@ > ?", "@ > ? AND NUMBER @"},
		{"day", "2026-01-02 10:00", nothing, nothing, "@ = ?"},
		{"day", "2026-01-02 00:00:00", "@ = ?", "@ = ?", "@ = ?"},
		{"day >", "tomorrow", "@ > ?", refused, refused},
		{"day >", "20260102", "@ > ?", "@ > ?", "@ > ? AND NUMBER @"},
		{"day >", "20260231", "@ > ?", refused, "@ > ? AND NUMBER @"},
		{"day >", "2026-00-00", "@ > ?", "@ > ?", "@ > ? AND WORD @"},
		{"day >", "2026-00-31", "@ > ?", "@ > ?", "@ > ? AND WORD @"},
		{"day >", "2026-00-32", "@ > ?", refused, refused},
		{"day >", "2026-12-00", "@ > ?", "@ > ?", "@ > ? AND WORD @"},
		{"day >", "2026-13-00", "@ > ?", refused, refused},
		{"day >", "2026-02-29", "@ > ?", refused, refused},
		{"at >", "20260102030405", "@ > ?", "@ > ?", "@ > ? AND NUMBER @"},
		{"at >", "2026-01-02T03:04:05+02:00", "@ > ?", refused, "@ > ? AND WORD @"},
		{"at >", "5", "@ > ?", refused, "@ > ? AND NUMBER @"},
		{"time >", "3:04", "@ > ?", "@ > ?", "@ > ? AND WORD @"},
		{"time >", "3:64", "@ > ?", refused, refused},
		{"text >", "", "@ > ?", "@ > ?", "@ > ?"},
		{"odd", "x", "@ = ?", "@ = ?", "@ = ?"},
		{"odd >", "x", "@ > ?", "@ > ?", "@ > ? AND WORD @"},
	} {
		column, _, _ := strings.Cut(c.name, " ")
		for dialect, want := range map[*sqlgen.Dialect]string{plain: c.plain, &coerces: c.coerces, &untyped: c.untyped} {
			s, err := sqlgen.Destroy(dialect, table, pairs(c.name, c.value))
			got := strings.ReplaceAll(strings.TrimPrefix(s.SQL, "DELETE FROM [t] WHERE "), plain.Quote(column), "@")
			var fault *sqlgen.Fault
			if errors.As(err, &fault) && fault.Cause == sqlgen.BadValue && fault.Column == column && fault.Table == "t" {
				got = refused
			}
			if want == everything {
				want = "@ IS NOT NULL"
			}
			if got != want {
				t.Errorf("%s %q: %s, want %s", c.name, c.value, got, want)
			}
			if n := strings.Count(got, "?"); n != len(s.Args) {
				t.Errorf("%s %q: %d arguments for %d placeholders", c.name, c.value, len(s.Args), n)
			}
		}
	}
}
