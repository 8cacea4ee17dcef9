package database

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	mssql "github.com/microsoft/go-mssqldb"

	"dbsep/sqlgen"
)

// sqlserverColumn describes a column as the kind does.
func sqlserverColumn(name, declared string, keys ...int) sqlgen.Column {
	c := sqlgen.Column{Name: name, Type: declared, Nullable: len(keys) == 0, Keys: keys}
	c.Class, c.Size, c.Unsigned = classifySQLServer(declared, 0)
	return c
}

// No SQL Server has run these. They were read against its manual, and they are
// what a change of the dialect has to be held against.
func TestSQLServerText(t *testing.T) {
	table := sqlgen.NewTable("odd]table", []sqlgen.Column{
		sqlserverColumn("id", "int", 0), sqlserverColumn("name", "nvarchar(40)", 3), sqlserverColumn("note", "ntext"),
		sqlserverColumn("active", "bit"), sqlserverColumn("since", "datetime2(3)"), sqlserverColumn("body", "varbinary(max)"),
	})
	table.Schema = "dbo"
	files := sqlgen.NewTable("ast_config", []sqlgen.Column{
		sqlserverColumn("id", "int"), sqlserverColumn("cat_metric", "int"), sqlserverColumn("var_metric", "int"), sqlserverColumn("commented", "int"),
		sqlserverColumn("filename", "varchar(128)"), sqlserverColumn("category", "varchar(128)"), sqlserverColumn("var_name", "text"), sqlserverColumn("var_val", "text"),
	})
	fields := func(pairs ...string) (f []sqlgen.Field) {
		for i := 0; i < len(pairs); i += 2 {
			f = append(f, sqlgen.Field{Name: pairs[i], Value: pairs[i+1]})
		}
		return f
	}
	const all = "[id], [name], [note], CAST([active] AS int), REPLACE(CONVERT(varchar(34), [since], 121), '.000', ''), [body]"
	const from = " FROM [dbo].[odd]]table] WHERE "
	d := sqlserverDialect
	for what, c := range map[string]struct {
		make func() (sqlgen.Statement, error)
		sql  string
		args []any
	}{
		"single": {func() (sqlgen.Statement, error) { return sqlgen.Single(d, table, fields("name", "a", "id >=", "1")) },
			"SELECT TOP (1) " + all + from + "[name] = @p1 AND [id] >= @p2", []any{"a", "1"}},
		"multi": {func() (sqlgen.Statement, error) { return sqlgen.Multi(d, table, fields("note", "x")) },
			"SELECT " + all + from + "CAST([note] AS nvarchar(max)) = @p1 ORDER BY CAST([note] AS nvarchar(max))", []any{"x"}},
		"LIKE": {func() (sqlgen.Statement, error) {
			return sqlgen.Destroy(d, table, fields("name LIKE", "[a]%", "id NOT LIKE", "1%", "since LIKE", "2024%"))
		},
			"DELETE" + from + `[name] LIKE @p1 ESCAPE '\' AND CAST([id] AS varchar(50)) NOT LIKE @p2 ESCAPE '\' AND REPLACE(CONVERT(varchar(34), [since], 121), '.000', '') LIKE @p3 ESCAPE '\'`,
			[]any{`\[a]%`, "1%", "2024%"}},
		"store": {func() (sqlgen.Statement, error) {
			return sqlgen.Store(d, table, fields("name", "a", "active", "", "body", "\xff"), false)
		},
			"INSERT INTO [dbo].[odd]]table] ([name], [active], [body]) VALUES (@p1, @p2, @p3)", []any{"a", nil, []byte("\xff")}},
		"store with replace": {func() (sqlgen.Statement, error) {
			return sqlgen.Store(d, table, fields("active", "1", "name", "a", "note", ""), true)
		},
			"MERGE INTO [dbo].[odd]]table] WITH (HOLDLOCK) AS t USING (SELECT @p1 AS [active], @p2 AS [name], @p3 AS [note]) AS s ON t.[name] = s.[name]" +
				" WHEN MATCHED THEN UPDATE SET [active] = s.[active], [note] = s.[note]" +
				" WHEN NOT MATCHED THEN INSERT ([active], [name], [note]) VALUES (s.[active], s.[name], s.[note]);", []any{"1", "a", ""}},
		"replace of nothing but the key": {func() (sqlgen.Statement, error) { return sqlgen.Store(d, table, fields("id", "1"), true) },
			"MERGE INTO [dbo].[odd]]table] WITH (HOLDLOCK) AS t USING (SELECT @p1 AS [id]) AS s ON t.[id] = s.[id]" +
				" WHEN MATCHED THEN UPDATE SET [id] = s.[id] WHEN NOT MATCHED THEN INSERT ([id]) VALUES (s.[id]);", []any{"1"}},
		"replace without a key": {func() (sqlgen.Statement, error) { return sqlgen.Store(d, table, fields("note", "x"), true) },
			"INSERT INTO [dbo].[odd]]table] ([note]) VALUES (@p1)", []any{"x"}},
		"update": {func() (sqlgen.Statement, error) {
			return sqlgen.Update(d, table, fields("id", "1"), fields("since", "", "name", ""))
		},
			"UPDATE [dbo].[odd]]table] SET [since] = @p1, [name] = @p2 WHERE [id] = @p3", []any{nil, "", "1"}},
		"destroy": {func() (sqlgen.Statement, error) {
			return sqlgen.Destroy(d, table, fields("active", "TRUE", "body", "x"))
		},
			"DELETE" + from + "[active] = @p1 AND [body] = @p2", []any{"TRUE", []byte("x")}},
		"static": {func() (sqlgen.Statement, error) { return sqlgen.Static(d, files, "a.conf") },
			"SELECT [cat_metric], CAST([category] AS nvarchar(128)), CAST([var_name] AS nvarchar(max)), CAST([var_val] AS nvarchar(max)) FROM [ast_config]" +
				" WHERE [filename] = @p1 AND [commented] = 0 ORDER BY [cat_metric] DESC, [var_metric], [category], CAST([var_name] AS varchar(max)), [id]", []any{"a.conf"}},
		"uncoded": {func() (sqlgen.Statement, error) {
			s, _ := sqlgen.Uncoded(d, table, []string{"name"})
			return s, nil
		}, "SELECT COUNT(*)" + from + `[name] LIKE @p1 ESCAPE '\'`, []any{"%;%"}},
	} {
		s, err := c.make()
		if diff := cmp.Diff([]any{c.sql, c.args}, []any{s.SQL, s.Args}); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
}

func TestSQLServerRepairs(t *testing.T) {
	table := sqlgen.NewTable("log", []sqlgen.Column{sqlserverColumn("tiny", "tinyint"), sqlserverColumn("text", "nvarchar(10)")})
	for requirement, want := range map[[2]string]string{
		{"new", "char:80"}:       "ADD [new] nvarchar(80)",
		{"new", "char:0"}:        "ADD [new] nvarchar(1)",
		{"new", "char:4001"}:     "ADD [new] nvarchar(max)",
		{"new", "integer1:1"}:    "ADD [new] smallint",
		{"new", "uinteger1:1"}:   "ADD [new] tinyint",
		{"new", "integer2:5"}:    "ADD [new] smallint",
		{"new", "uinteger2:5"}:   "ADD [new] int",
		{"new", "uinteger3:8"}:   "ADD [new] int",
		{"new", "integer4:11"}:   "ADD [new] int",
		{"new", "uinteger4:10"}:  "ADD [new] bigint",
		{"new", "integer8:20"}:   "ADD [new] bigint",
		{"new", "uinteger8:20"}:  "ADD [new] numeric(20)",
		{"new", "float:10"}:      "ADD [new] float",
		{"new", "date:10"}:       "ADD [new] date",
		{"new", "datetime:19"}:   "ADD [new] datetime2(0)",
		{"new", "datetime:26"}:   "ADD [new] datetime2(6)",
		{"text", "char:11"}:      "ALTER COLUMN [text] nvarchar(11)",
		{"tiny", "integer1:1"}:   "ALTER COLUMN [tiny] smallint",
		{"tiny", "uinteger1:3"}:  "",
		{"text", "uinteger3:10"}: "",
	} {
		r, err := sqlgen.ParseRequirement(sqlgen.Field{Name: requirement[0], Value: requirement[1]})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, short := range sqlgen.Require(sqlserverDialect, table, []sqlgen.Requirement{r}) {
			got = short.Repair
		}
		if want != "" {
			want = "ALTER TABLE [log] " + want
		}
		if got != want {
			t.Errorf("%s: %q, want %q", requirement, got, want)
		}
	}
}

// What each type is taken for, and how it is read, compared and put beside a
// pattern.
func TestSQLServerTypes(t *testing.T) {
	const c = "[c]"
	for declared, want := range map[string]struct {
		class               sqlgen.Class
		size                int
		unsigned            bool
		read, compare, text string
	}{
		"tinyint":           {sqlgen.Integer, 1, true, c, c, "CAST([c] AS varchar(50))"},
		"smallint":          {sqlgen.Integer, 2, false, c, c, "CAST([c] AS varchar(50))"},
		"int":               {sqlgen.Integer, 4, false, c, c, "CAST([c] AS varchar(50))"},
		"bigint":            {sqlgen.Integer, 8, false, c, c, "CAST([c] AS varchar(50))"},
		"decimal(10,2)":     {sqlgen.Decimal, 0, false, c, c, "CAST([c] AS varchar(50))"},
		"money":             {sqlgen.Decimal, 0, false, c, c, "CAST([c] AS varchar(50))"},
		"bit":               {sqlgen.Boolean, 0, false, "CAST([c] AS int)", c, "CAST([c] AS varchar(50))"},
		"float":             {sqlgen.Float, 0, false, c, c, "LOWER(FORMAT([c], 'G15', 'en-US'))"},
		"real":              {sqlgen.Float, 0, false, "CAST(CAST([c] AS varchar(30)) AS float)", c, "LOWER(FORMAT(CAST(CAST([c] AS varchar(30)) AS float), 'G15', 'en-US'))"},
		"date":              {sqlgen.Date, 0, false, "CONVERT(varchar(10), [c], 23)", c, "CONVERT(varchar(10), [c], 23)"},
		"smalldatetime":     {sqlgen.DateTime, 0, false, "CONVERT(varchar(19), [c], 120)", c, "CONVERT(varchar(19), [c], 120)"},
		"datetime":          {sqlgen.DateTime, 0, false, "REPLACE(CONVERT(varchar(23), [c], 121), '.000', '')", c, "REPLACE(CONVERT(varchar(23), [c], 121), '.000', '')"},
		"datetime2(0)":      {sqlgen.DateTime, 0, false, "CONVERT(varchar(34), [c], 121)", c, "CONVERT(varchar(34), [c], 121)"},
		"datetime2(7)":      {sqlgen.DateTime, 0, false, "REPLACE(CONVERT(varchar(34), [c], 121), '.0000000', '')", c, "REPLACE(CONVERT(varchar(34), [c], 121), '.0000000', '')"},
		"datetimeoffset(3)": {sqlgen.DateTime, 0, false, "REPLACE(CONVERT(varchar(34), [c], 121), '.000', '')", c, "REPLACE(CONVERT(varchar(34), [c], 121), '.000', '')"},
		"time(1)":           {sqlgen.Time, 0, false, "REPLACE(CONVERT(varchar(34), [c], 121), '.0', '')", c, "REPLACE(CONVERT(varchar(34), [c], 121), '.0', '')"},
		"char(10)":          {sqlgen.Text, 10, false, "CAST([c] AS nvarchar(10))", c, "CAST([c] AS nvarchar(10))"},
		"varchar(4001)":     {sqlgen.Text, 4001, false, "CAST([c] AS nvarchar(max))", c, "CAST([c] AS nvarchar(max))"},
		"varchar(max)":      {sqlgen.Text, 0, false, "CAST([c] AS nvarchar(max))", c, "CAST([c] AS nvarchar(max))"},
		"nchar(3)":          {sqlgen.Text, 3, false, c, c, c},
		"nvarchar(max)":     {sqlgen.Text, 0, false, c, c, c},
		"text":              {sqlgen.Text, 0, false, "CAST([c] AS nvarchar(max))", "CAST([c] AS varchar(max))", "CAST([c] AS nvarchar(max))"},
		"ntext":             {sqlgen.Text, 0, false, c, "CAST([c] AS nvarchar(max))", c},
		"binary(4)":         {sqlgen.Binary, 4, false, c, c, c},
		"varbinary(max)":    {sqlgen.Binary, 0, false, c, c, c},
		"image":             {sqlgen.Binary, 0, false, c, "CAST([c] AS varbinary(max))", c},
		"timestamp":         {sqlgen.Binary, 0, false, c, c, c},
		"uniqueidentifier":  {sqlgen.Other, 0, false, "CAST([c] AS char(36))", c, "CAST([c] AS char(36))"},
		"sql_variant":       {sqlgen.Other, 0, false, "CONVERT(nvarchar(4000), [c], 121)", "CONVERT(nvarchar(4000), [c], 121)", "CONVERT(nvarchar(4000), [c], 121)"},
		"xml":               {sqlgen.Other, 0, false, "CAST([c] AS nvarchar(max))", "CAST([c] AS nvarchar(max))", "CAST([c] AS nvarchar(max))"},
		"geography":         {sqlgen.Other, 0, false, "[c].ToString()", "[c].ToString()", "[c].ToString()"},
		"something new":     {sqlgen.Other, 0, false, "CAST([c] AS nvarchar(max))", "CAST([c] AS nvarchar(max))", "CAST([c] AS nvarchar(max))"},
	} {
		column := sqlserverColumn("c", declared)
		if column.Class != want.class || column.Size != want.size || column.Unsigned != want.unsigned {
			t.Errorf("%s is %+v, want %+v", declared, column, want)
		}
		got := [...]string{readSQLServer(&column, c), compareSQLServer(&column, c), sqlserverDialect.AsText(&column, c)}
		if diff := cmp.Diff([...]string{want.read, want.compare, want.text}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", declared, diff)
		}
	}
}

func TestSQLServerKeepsBackWhatItWouldMakeAnotherValueOf(t *testing.T) {
	for declared, values := range map[string]struct{ taken, kept []string }{
		"int":           {[]string{"0", "-1", " 5 ", "x1"}, []string{"", " ", "+", "-", "x"}}, // x1 is the server's to refuse
		"money":         {[]string{"1.50", "$1"}, []string{"", "$", "€", "-"}},
		"float":         {[]string{"1e5", ".5"}, []string{"", "-", "e"}},
		"bit":           {[]string{"0", "1", "true", "FALSE"}, []string{"", "2", "-1", "yes", "on", " 1"}},
		"time(0)":       {[]string{"03:04:05"}, []string{"", " "}},
		"date":          {[]string{"2024-02-29", "20240229", "2024/2/9"}, []string{"", " ", "29.02.2024", "02-29-2024", "2024", "202402", "soon", "12:34", "2024-02-29x"}},
		"datetime":      {[]string{"2024-02-29 12:34:56", "2024-02-29T12:34:56.123", "2024-02-29", "20240229 12:34"}, []string{"", "12:34:56", "Feb 29 2024", "1"}},
		"varchar(5)":    {[]string{"", " ", "2024"}, nil},
		"varbinary(5)":  {[]string{"", "\xff"}, nil},
		"sql_variant":   {[]string{""}, nil},
		"datetime2(7)":  {[]string{"2024-02-29 12:34:56.1234567"}, []string{""}},
		"decimal(10,2)": {[]string{"0.10"}, []string{"."}},
	} {
		c := sqlserverColumn("c", declared)
		for _, value := range values.taken {
			if !takesSQLServer(&c, value) {
				t.Errorf("%s does not take %q", declared, value)
			}
		}
		for _, value := range values.kept {
			if takesSQLServer(&c, value) {
				t.Errorf("%s takes %q", declared, value)
			}
		}
	}
}

func TestSQLServerPatternHasNoBrackets(t *testing.T) {
	for pattern, want := range map[string]string{
		"": "", "a%_": "a%_", "[": `\[`, "[a-z]%": `\[a-z]%`, "[[": `\[\[`, `\[`: `\[`, `\\[`: `\\\[`, `\\\[`: `\\\[`,
		`\%[^`: `\%\[^`, `é[`: `é\[`, `[\\`: `\[\\`, `[\`: `\[\`,
	} {
		if got := closeBrackets(pattern); got != want {
			t.Errorf("%s is %s, want %s", pattern, got, want)
		}
	}
}

func TestSQLServerFaults(t *testing.T) {
	number := func(n int32) error { return mssql.Error{Number: n} }
	for _, c := range []struct {
		err    error
		want   sqlgen.Cause
		remedy bool
	}{
		{number(208), sqlgen.UnknownTable, false},
		{number(207), sqlgen.UnknownColumn, false},
		{number(402), sqlgen.UnknownOperator, true},
		{number(8116), sqlgen.UnknownOperator, true},
		{number(2601), sqlgen.Duplicate, false},
		{number(2627), sqlgen.Duplicate, false},
		{number(515), sqlgen.Constraint, false},
		{number(547), sqlgen.Constraint, false},
		{number(544), sqlgen.Constraint, true},
		{number(245), sqlgen.BadValue, false},
		{number(241), sqlgen.BadValue, false},
		{number(242), sqlgen.BadValue, false},
		{number(2628), sqlgen.BadValue, false},
		{number(8114), sqlgen.BadValue, false},
		{number(8115), sqlgen.BadValue, false},
		{number(8152), sqlgen.BadValue, false},
		{number(229), sqlgen.Denied, true},
		{number(230), sqlgen.Denied, true},
		{number(916), sqlgen.Denied, true},
		{number(18456), sqlgen.Denied, true},
		{number(3906), sqlgen.ReadOnly, true},
		{number(1105), sqlgen.Full, true},
		{number(9002), sqlgen.Full, true},
		{number(1205), sqlgen.Busy, false},
		{number(1222), sqlgen.Busy, false},
		{number(10928), sqlgen.Busy, true},
		{number(4060), sqlgen.Unavailable, true},
		{number(40613), sqlgen.Unavailable, false},
		{number(99999), sqlgen.Unexpected, false},
		{number(0), sqlgen.Unexpected, false},
		{mssql.Error{Number: 18456, All: []mssql.Error{{Number: 4060}, {Number: 18456}}}, sqlgen.Unavailable, true},
		{mssql.Error{Number: 3621, All: []mssql.Error{{Number: 2627}, {Number: 3621}}}, sqlgen.Duplicate, false},
		{fmt.Errorf("run: %w", number(207)), sqlgen.UnknownColumn, false},
		{mssql.StreamError{InnerError: io.ErrUnexpectedEOF}, sqlgen.Unavailable, false},
		{io.EOF, sqlgen.Unavailable, false},
		{errors.New("x"), sqlgen.Unexpected, false},
	} {
		if cause, remedy := faultSQLServer(c.err); cause != c.want || (remedy != "") != c.remedy {
			t.Errorf("%#v: %v, remedy %q; want %v", c.err, &sqlgen.Fault{Cause: cause}, remedy, &sqlgen.Fault{Cause: c.want})
		}
	}
	for n, want := range map[int32]bool{1205: true, 3960: true, 1222: false, 2627: false} {
		if again, wait := againSQLServer(number(n)); again != want || wait {
			t.Errorf("error %d: again %v, wait %v", n, again, wait)
		}
	}
}

func TestSQLServerCounts(t *testing.T) {
	for sql, want := range map[string]int64{"INSERT INTO [t] ...": 1, "MERGE INTO [t] ...": 1, "UPDATE [t] ...": 3, "DELETE FROM [t] ...": 3} {
		if got := affectedSQLServer(sqlgen.Statement{SQL: sql}, 3); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
	if got := affectedSQLServer(sqlgen.Statement{SQL: "INSERT "}, 0); got != 0 {
		t.Errorf("no row is %d", got)
	}
}

func TestSQLServerArguments(t *testing.T) {
	for _, c := range []struct{ value, want any }{
		{"alice", mssql.VarChar("alice")}, {"", mssql.VarChar("")}, {"\x00\x7f", mssql.VarChar("\x00\x7f")},
		{"é", "é"}, {"日", "日"}, {[]byte("\xff"), []byte("\xff")}, {nil, nil},
	} {
		got, err := sqlserverArgument(c.value)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%#v: %v (-want +got):\n%s", c.value, err, diff)
		}
	}
	var fault *sqlgen.Fault
	if _, err := sqlserverArgument("\xff"); !errors.As(err, &fault) || fault.Cause != sqlgen.BadValue {
		t.Errorf("%v", err)
	}
}
