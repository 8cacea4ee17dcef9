package database

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dbsep/sqlgen"
)

func init() { register(sqlserver) }

// sqlserver is a Microsoft SQL Server of version 2008 or later, to which the
// Perl driver for Sybase speaks by way of FreeTDS.
var sqlserver = &kind{
	name:    "SQL Server",
	drivers: []string{"Sybase"},
	dialect: sqlserverDialect,
	open:    openSQLServer,
	probe:   "SELECT 1",
	version: "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128))",
	tables: `
		SELECT o.name FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
		WHERE ` + sqlserverTables("@p1"),
	columns: []string{
		sqlserverColumns + "o.name = @p1" + sqlserverOrder,
		sqlserverColumns + "LOWER(o.name) = LOWER(@p1)" + sqlserverOrder,
	},
	classify: classifySQLServer,
	fault:    faultSQLServer,
	again:    againSQLServer,
	severed:  severedSQLServer,
	affected: affectedSQLServer,
}

// sqlserverTables is the condition on tables and views (o) of a schema (s): the
// one whose name an argument has, or, where it is empty, those that a name without
// a schema leads to: of the account's own schema first, then of dbo.
func sqlserverTables(schema string) string {
	return `o.type IN ('U', 'V') AND o.is_ms_shipped = 0
		AND (s.name = ` + schema + ` OR ` + schema + ` = '' AND (s.schema_id = SCHEMA_ID() OR s.name = 'dbo'
		     AND NOT EXISTS (SELECT 1 FROM sys.objects own
		                     WHERE own.schema_id = SCHEMA_ID() AND own.name = o.name AND own.type IN ('U', 'V'))))`
}

// sqlserverColumns reads a type of the database's own as the type that it is
// made of; those of number 240 are no more than their names. A unique key counts
// where it holds for all rows.
var sqlserverColumns = `
	SELECT o.name, c.name,
	       CASE WHEN y.name IN ('char', 'varchar', 'binary', 'varbinary') AND c.max_length > 0
	                 THEN y.name + '(' + CAST(c.max_length AS varchar(11)) + ')'
	            WHEN y.name IN ('nchar', 'nvarchar') AND c.max_length > 0
	                 THEN y.name + '(' + CAST(c.max_length / 2 AS varchar(11)) + ')'
	            WHEN y.name IN ('char', 'varchar', 'binary', 'varbinary', 'nchar', 'nvarchar') THEN y.name + '(max)'
	            WHEN y.name IN ('decimal', 'numeric')
	                 THEN y.name + '(' + CAST(c.precision AS varchar(11)) + ',' + CAST(c.scale AS varchar(11)) + ')'
	            WHEN y.name IN ('time', 'datetime2', 'datetimeoffset') THEN y.name + '(' + CAST(c.scale AS varchar(11)) + ')'
	            ELSE y.name END,
	       NULL,
	       CASE c.is_nullable WHEN 1 THEN 1 ELSE 0 END,
	       s.name,
	       (SELECT CAST(CASE i.is_primary_key WHEN 1 THEN 0 ELSE i.index_id END AS varchar(11)) + ' '
	        FROM sys.indexes i JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
	        WHERE i.object_id = o.object_id AND i.is_unique = 1 AND i.is_disabled = 0 AND i.has_filter = 0
	          AND k.column_id = c.column_id AND k.key_ordinal > 0
	        FOR XML PATH(''))
	FROM sys.objects o
	JOIN sys.schemas s ON s.schema_id = o.schema_id
	JOIN sys.columns c ON c.object_id = o.object_id
	JOIN sys.types y ON y.user_type_id = CASE c.system_type_id WHEN 240 THEN c.user_type_id ELSE c.system_type_id END
	WHERE ` + sqlserverTables("@p2") + " AND "

const sqlserverOrder = " ORDER BY o.name, c.column_id"

var sqlserverDialect = &sqlgen.Dialect{
	Quote:       func(name string) string { return "[" + strings.ReplaceAll(name, "]", "]]") + "]" },
	Placeholder: sqlgen.AtP,
	Bytes:       true,
	Read:        readSQLServer,
	AsText: func(c *sqlgen.Column, quoted string) string {
		switch c.Class {
		case sqlgen.Binary:
			return quoted // the server says that it has no LIKE; its bytes are no characters
		case sqlgen.Float:
			return "LOWER(FORMAT(" + readSQLServer(c, quoted) + ", 'G15', 'en-US'))"
		case sqlgen.Integer, sqlgen.Decimal, sqlgen.Boolean:
			return "CAST(" + quoted + " AS varchar(50))"
		}
		return readSQLServer(c, quoted)
	},
	Compare:   compareSQLServer,
	Takes:     takesSQLServer,
	Coerces:   true,
	Pattern:   closeBrackets,
	Escape:    ` ESCAPE '\'`,
	BeforeOne: "TOP (1) ",

	// INSERT has no clause for a row that is there: see Merge.
	Replace: func(_, _ []string) string { return "" },
	Merge:   mergeSQLServer,
	Type:    typeSQLServer,
	Add: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " ADD " + column + " " + typ
	},
	Alter: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " ALTER COLUMN " + column + " " + typ
	},
}

// sqlserverType takes a declared type apart: "decimal(10,2)" is "decimal" and
// "10,2".
func sqlserverType(declared string) (name, size string) {
	name, size, _ = strings.Cut(declared, "(")
	return name, strings.TrimSuffix(size, ")")
}

// readSQLServer has every value made a text by the server that the driver would
// make something else of. Times have a fraction where theirs is not zero. Texts
// come as nvarchar: the driver knows code pages by numbers that newer ones, UTF-8
// among them, do not have.
func readSQLServer(c *sqlgen.Column, quoted string) string {
	switch name, size := sqlserverType(c.Type); name {
	case "char", "varchar":
		if n, err := strconv.Atoi(size); err == nil && n <= 4000 {
			return "CAST(" + quoted + " AS nvarchar(" + size + "))"
		}
		return "CAST(" + quoted + " AS nvarchar(max))"
	case "bit":
		return "CAST(" + quoted + " AS int)"
	case "real": // its six digits first, as a number afterwards
		return "CAST(CAST(" + quoted + " AS varchar(30)) AS float)"
	case "date":
		return "CONVERT(varchar(10), " + quoted + ", 23)"
	case "smalldatetime":
		return "CONVERT(varchar(19), " + quoted + ", 120)"
	case "datetime":
		return "REPLACE(CONVERT(varchar(23), " + quoted + ", 121), '.000', '')"
	case "datetime2", "datetimeoffset", "time":
		text := "CONVERT(varchar(34), " + quoted + ", 121)"
		if digits, err := strconv.Atoi(size); err == nil && digits > 0 {
			return "REPLACE(" + text + ", '." + strings.Repeat("0", digits) + "', '')"
		}
		return text
	case "sql_variant":
		return "CONVERT(nvarchar(4000), " + quoted + ", 121)"
	case "uniqueidentifier":
		return "CAST(" + quoted + " AS char(36))"
	case "hierarchyid", "geometry", "geography":
		return quoted + ".ToString()"
	}
	if c.Class == sqlgen.Other || c.Type == "text" {
		return "CAST(" + quoted + " AS nvarchar(max))"
	}
	return quoted
}

// compareSQLServer helps the types that have no comparison or no order.
func compareSQLServer(c *sqlgen.Column, quoted string) string {
	switch name, _ := sqlserverType(c.Type); name {
	case "text":
		return "CAST(" + quoted + " AS varchar(max))"
	case "ntext":
		return "CAST(" + quoted + " AS nvarchar(max))"
	case "image":
		return "CAST(" + quoted + " AS varbinary(max))"
	case "uniqueidentifier":
		return quoted
	}
	if c.Class == sqlgen.Other {
		return readSQLServer(c, quoted)
	}
	return quoted
}

// sqlserverDay is a date with its year first. Others are read in the order of a
// language, and a time without a date as of the year 1900.
var sqlserverDay = regexp.MustCompile(`^ *(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{8})(?:[ T]|$)`)

// takesSQLServer keeps back what the server makes a value of that nobody meant:
// an empty text, a sign or a currency alone are 0 to it, an empty date is the
// first of January 1900, and every number is true that is not 0. Anything else
// that does not fit is an error of its own.
func takesSQLServer(c *sqlgen.Column, value string) bool {
	switch c.Class {
	case sqlgen.Integer, sqlgen.Decimal, sqlgen.Float, sqlgen.Time:
		return strings.ContainsAny(value, "0123456789")
	case sqlgen.Boolean:
		return value == "0" || value == "1" || strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
	case sqlgen.Date, sqlgen.DateTime:
		return sqlserverDay.MatchString(value)
	}
	return true
}

// closeBrackets makes a bracket of a LIKE pattern mean itself, as it does on
// other databases. One behind a backslash does already.
func closeBrackets(pattern string) string {
	if !strings.Contains(pattern, "[") {
		return pattern
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			b.WriteByte('\\')
			i++
		case '[':
			b.WriteByte('\\')
		}
		if i < len(pattern) {
			b.WriteByte(pattern[i])
		}
	}
	return b.String()
}

// mergeSQLServer keeps the key locked between the look and the write
// (HOLDLOCK). A row that comes twice by another key than the one named is a
// duplicate. The columns of the key keep their spelling, unless there are no
// others to write.
func mergeSQLServer(table string, key, columns, values []string) string {
	given, fresh := make([]string, len(columns)), make([]string, len(columns))
	var others []string
	for i, c := range columns {
		given[i], fresh[i] = values[i]+" AS "+c, "s."+c
		if !slices.Contains(key, c) {
			others = append(others, c)
		}
	}
	if others == nil {
		others = key
	}
	same := make([]string, len(key))
	for i, k := range key {
		same[i] = "t." + k + " = s." + k
	}
	return "MERGE INTO " + table + " WITH (HOLDLOCK) AS t USING (SELECT " + strings.Join(given, ", ") + ") AS s ON " + strings.Join(same, " AND ") +
		" WHEN MATCHED THEN UPDATE SET " + assignEach(others, func(c string) string { return "s." + c }) +
		" WHEN NOT MATCHED THEN INSERT (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(fresh, ", ") + ");"
}

// typeSQLServer gives a number whose sign the server has otherwise the next
// wider type: its smallest one has none, all others have one.
func typeSQLServer(r sqlgen.Requirement) string {
	if bytes, unsigned := r.Integer(); bytes > 0 {
		switch {
		case bytes == 1 && unsigned:
			return "tinyint"
		case bytes == 1, bytes == 2 && !unsigned:
			return "smallint"
		case bytes <= 3, bytes == 4 && !unsigned:
			return "int"
		case bytes == 4, !unsigned:
			return "bigint"
		}
		return "numeric(20)"
	}
	switch {
	case r.Type == "float", r.Type == "date":
		return r.Type
	case r.Type == "datetime" && r.Size > len("2024-02-29 12:34:56"):
		return "datetime2(6)"
	case r.Type == "datetime":
		return "datetime2(0)"
	case r.Size > 4000:
		return "nvarchar(max)"
	}
	return fmt.Sprintf("nvarchar(%d)", max(r.Size, 1))
}

// sqlserverClasses are the classes of types by their names.
var sqlserverClasses = map[string]struct {
	class sqlgen.Class
	size  int
}{
	"tinyint":        {sqlgen.Integer, 1},
	"smallint":       {sqlgen.Integer, 2},
	"int":            {sqlgen.Integer, 4},
	"bigint":         {sqlgen.Integer, 8},
	"decimal":        {sqlgen.Decimal, 0},
	"numeric":        {sqlgen.Decimal, 0},
	"money":          {sqlgen.Decimal, 0},
	"smallmoney":     {sqlgen.Decimal, 0},
	"real":           {sqlgen.Float, 0},
	"float":          {sqlgen.Float, 0},
	"bit":            {sqlgen.Boolean, 0},
	"date":           {sqlgen.Date, 0},
	"datetime":       {sqlgen.DateTime, 0},
	"datetime2":      {sqlgen.DateTime, 0},
	"datetimeoffset": {sqlgen.DateTime, 0},
	"smalldatetime":  {sqlgen.DateTime, 0},
	"time":           {sqlgen.Time, 0},
	"char":           {sqlgen.Text, 0},
	"varchar":        {sqlgen.Text, 0},
	"nchar":          {sqlgen.Text, 0},
	"nvarchar":       {sqlgen.Text, 0},
	"text":           {sqlgen.Text, 0},
	"ntext":          {sqlgen.Text, 0},
	"binary":         {sqlgen.Binary, 0},
	"varbinary":      {sqlgen.Binary, 0},
	"image":          {sqlgen.Binary, 0},
	"timestamp":      {sqlgen.Binary, 0},
}

func classifySQLServer(declared string, _ int) (class sqlgen.Class, size int, unsigned bool) {
	name, width := sqlserverType(declared)
	known, found := sqlserverClasses[name]
	switch {
	case !found:
		return sqlgen.Other, 0, false
	case known.class == sqlgen.Text || known.class == sqlgen.Binary:
		size, _ = strconv.Atoi(width) // "max" is 0
		return known.class, size, false
	}
	return known.class, known.size, name == "tinyint"
}

// affectedSQLServer does not count what the triggers of a table insert besides.
// An INSERT or MERGE of this program never has more than one row.
func affectedSQLServer(s sqlgen.Statement, count int64) int64 {
	if strings.HasPrefix(s.SQL, "INSERT ") || strings.HasPrefix(s.SQL, "MERGE ") {
		return min(count, 1)
	}
	return count
}

func openSQLServer(o *opening) pools {
	options := readSQLServerDSN(o)
	config, timeout := options.config(o)
	if len(o.problems) > 0 {
		return pools{}
	}
	writes := o.served(&connecting{Connector: sqlserverConnector{config}, timeout: timeout, command: sqlserverCommand})
	return pools{address: sqlserverAddress(config), account: config.User, writes: writes, scope: []any{o.Schema}}
}
