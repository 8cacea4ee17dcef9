package postgres

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

func init() { database.Register(postgres) }

// postgres is a PostgreSQL server of version 11 or later, or a pooler in front
// of one.
var postgres = &database.Driver{
	Name:       "PostgreSQL",
	DBINames:   []string{"Pg"},
	Dialect:    dialect,
	Open:       open,
	ProbeSQL:   "SELECT 1",
	VersionSQL: "SELECT current_setting('server_version')",
	TablesSQL: `
		SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE ` + isTable + " AND " + isFound("$1"),
	ElsewhereSQL: `
		SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE ` + isTable + " AND NOT " + isFound("$2") + ` AND lower(CAST(c.relname AS text)) = lower($1)
		  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
		ORDER BY n.nspname`,
	ColumnsSQL: []string{
		columnsSQL + "CAST(c.relname AS text) = $1" + columnsOrder,
		columnsSQL + "lower(CAST(c.relname AS text)) = lower($1)" + columnsOrder,
	},
	// What changes a table, a column or a domain makes a new version of its row here.
	FingerprintSQL: `
		SELECT concat_ws(' ', c.oid, c.xmin, (
			SELECT string_agg(concat_ws(' ', a.attnum, a.xmin, t.xmin), ',' ORDER BY a.attnum)
			FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
			WHERE a.attrelid = c.oid AND a.attnum > 0))
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relname = CAST($1 AS name) AND n.nspname = CAST($2 AS name)`,
	KeysSQL: `
		SELECT x.relname, a.attname
		FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
		CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) AS k(position)
		LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[k.position] AND a.attnum > 0
		WHERE CAST(c.relname AS text) = $1 AND CAST(n.nspname AS text) = $2
		  AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
		ORDER BY NOT i.indisprimary, i.indexrelid, k.position`,
	BatchesReads:   true,
	ClassifyType:   classifyType,
	ClassifyError:  classifyError,
	NamedBy:        namedBy,
	Misfit:         isMisfit,
	Retryable:      isRetryable,
	ConnectionLost: isConnectionLost,
	ReadReplicas:   true,

	ClassifyCollation: classifyCollation,
	BeginReadOnlySQL:  "BEGIN READ ONLY",
	Plans:             plans,
	ReadOnlySQL:       "SELECT CASE current_setting('transaction_read_only') WHEN 'on' THEN 1 ELSE 0 END",
}

// isTable is the condition on tables and views (c) of a schema (n). The server's own
// schemas are none of them.
const isTable = `c.relkind IN ('r', 'p', 'v', 'm', 'f')
		AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`

// isFound is the condition on the tables that requests find: those of the schema whose
// name an argument has, or those that a name without a schema leads to where it is
// empty. The database's name means the latter, too, where no schema has it: the comment
// in the Perl script says to set it, and it had no effect there.
func isFound(schema string) string {
	return `CASE WHEN CAST(` + schema + ` AS text) = ''
		           OR ` + schema + ` = CAST(pg_catalog.current_database() AS text)
		              AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace named WHERE CAST(named.nspname AS text) = ` + schema + `)
		         THEN pg_catalog.pg_table_is_visible(c.oid)
		    ELSE CAST(n.nspname AS text) = ` + schema + ` END`
}

// columnsSQL reads a domain as the type that it is made of.
var columnsSQL = `
	SELECT c.relname, a.attname,
	       CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod)
	            ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END,
	       NULL,
	       CASE WHEN a.attnotnull OR t.typnotnull THEN 0 ELSE 1 END,
	       CASE WHEN pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') THEN 0 ELSE 2 END,
	       CASE a.attcollation WHEN 100 THEN 'default' WHEN 950 THEN 'C' WHEN 951 THEN 'POSIX' END,
	       n.nspname
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
	WHERE ` + isTable + " AND " + isFound("$2") + " AND "

const columnsOrder = " ORDER BY c.relname, a.attnum"

var dialect = &sqlgen.Dialect{
	Quote:       func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` },
	Placeholder: sqlgen.Dollar,
	Bytes:       true,

	// Every value comes as PostgreSQL's own text anyway: see session.
	Read: func(_ *sqlgen.Column, quoted string) string { return quoted },

	AsText: func(c *sqlgen.Column, quoted string) string {
		switch c.Class {
		case sqlgen.Binary:
			return quoted // has a LIKE of its own
		case sqlgen.Boolean:
			return "CAST(CAST(" + quoted + " AS integer) AS text)" // 1 and 0, as it is read
		}
		return "CAST(" + quoted + " AS text)"
	},

	Unsorted: func(c *sqlgen.Column) bool { return unsortedTypes[strings.TrimSuffix(c.Type, "[]")] },

	// Only texts have a collation.
	ByteOrder: func(_ *sqlgen.Column, quoted string) string {
		return "CAST(" + quoted + ` AS text) COLLATE "C" NULLS FIRST`
	},
	Takes: takesValue,

	// Backslash is LIKE's escape character unless a statement names another,
	// and the clause itself would be spelled in two ways, one for each setting of
	// standard_conforming_strings.
	Escape:   "",
	AfterOne: " LIMIT 1",
	Type:     columnType,
	Add: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " ADD COLUMN " + column + " " + typ
	},
	Alter: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " ALTER COLUMN " + column + " TYPE " + typ + " USING CAST(" + column + " AS " + typ + ")"
	},
	Check: &sqlgen.CheckDialect{Doublings: doublings, Doubles: mayBeDoubled, BeyondASCII: beyondASCII, Decoded: decoded},
}

// decoded spells the backslash as a number: standard_conforming_strings decides how it is
// spelled in a text.
func decoded(quoted string) string {
	return quoted + " ~ (pg_catalog.chr(92) || '^([0-246-9A-F][0-9A-F]|3[0-9AC-F]|5[0-9A-DF])')"
}

// columnType gives an unsigned number the next wider type: there are none
// without a sign.
func columnType(r sqlgen.Requirement) string {
	if bytes, unsigned := r.Integer(); bytes > 0 {
		switch {
		case bytes == 1, bytes == 2 && !unsigned:
			return "smallint"
		case bytes <= 3, bytes == 4 && !unsigned:
			return "integer"
		case bytes == 4, !unsigned:
			return "bigint"
		}
		return "numeric(20)"
	}
	switch r.Type {
	case "float":
		return "double precision"
	case "date":
		return "date"
	case "datetime":
		return "timestamp"
	}
	return fmt.Sprintf("varchar(%d)", max(r.Size, 1))
}

// typeClasses are the classes of types by the names that format_type gives
// them, without what is in parentheses.
var typeClasses = map[string]struct {
	class sqlgen.Class
	size  int
}{
	"smallint":                    {sqlgen.Integer, 2},
	"integer":                     {sqlgen.Integer, 4},
	"bigint":                      {sqlgen.Integer, 8},
	"numeric":                     {sqlgen.Decimal, 0},
	"real":                        {sqlgen.Float, 0},
	"double precision":            {sqlgen.Float, 0},
	"boolean":                     {sqlgen.Boolean, 0},
	"date":                        {sqlgen.Date, 0},
	"timestamp without time zone": {sqlgen.DateTime, 0},
	"timestamp with time zone":    {sqlgen.DateTime, 0},
	"time without time zone":      {sqlgen.Time, 0},
	"time with time zone":         {sqlgen.Time, 0},
	"interval":                    {sqlgen.Time, 0},
	"bytea":                       {sqlgen.Binary, 0},
	"character varying":           {sqlgen.Text, 0},
	"character":                   {sqlgen.Text, 0},
	"text":                        {sqlgen.Text, 0},
	"citext":                      {sqlgen.Text, 0},
	"name":                        {sqlgen.Text, 63},
	`"char"`:                      {sqlgen.Text, 1},
}

// unsortedTypes are those that ORDER BY does not take.
var unsortedTypes = map[string]bool{
	"json": true, "xml": true, "point": true, "line": true, "lseg": true, "box": true, "path": true, "polygon": true, "circle": true,
	"aclitem": true, "cid": true, "gtsvector": true, "jsonpath": true, "pg_snapshot": true, "refcursor": true, "txid_snapshot": true, "xid": true,
}

func classifyType(declared string, _ int) (class sqlgen.Class, size int, unsigned bool) {
	// "timestamp(3) without time zone", "character varying(80)"
	name, width := declared, 0
	if before, rest, found := strings.Cut(declared, "("); found {
		inside, after, _ := strings.Cut(rest, ")")
		name = before + after
		width, _ = strconv.Atoi(inside)
	}
	known, found := typeClasses[name]
	switch {
	case !found:
		return sqlgen.Other, 0, false
	case known.class == sqlgen.Text && width > 0:
		return sqlgen.Text, width, false
	case known.class == sqlgen.DateTime && name != declared:
		return sqlgen.DateTime, len("2026-01-02 03:04:05") + min(width, 1) + width, false
	}
	return known.class, known.size, false
}

// classifyCollation knows the collations that are never nondeterministic, and the types
// that compare texts by them and cut none.
func classifyCollation(declared, collation string) sqlgen.Collation {
	name, _, _ := strings.Cut(declared, "(")
	if collation != "" && (name == "text" || name == "character varying" || name == "character") {
		return sqlgen.CaseSensitive
	}
	return sqlgen.UnknownCollation
}

// postgresLateNumber is a number that is none up to PostgreSQL 15: in another
// system than the decimal one, or with underscores.
var postgresLateNumber = regexp.MustCompile(`(?i)^\s*[+-]?(0[xob]|[0-9]+_)`)

// takesValue refuses numbers that not every version takes.
func takesValue(c *sqlgen.Column, value string) bool {
	number := c.Class == sqlgen.Integer || c.Class == sqlgen.Decimal
	return !number || !postgresLateNumber.MatchString(value)
}

func open(o *database.OpenContext) database.Pools {
	options := readDSN(o)
	given := maps.Clone(options)
	config := options.config(o)
	if o.Failed() {
		return database.Pools{}
	}
	writes := options.writers(o, config)
	reads, from := options.readers(o, given, writes)
	return database.Pools{Address: options.address() + from, Account: options["user"], Writes: writes, Reads: reads, Scope: []any{o.Schema}}
}
