package replay

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/pgtest"
	"dbsep/internal/testenv"
)

// pg keeps an untouched copy of every table in a second schema, which a name
// alone does not lead to, and copies back those that changed.
type pg struct {
	db     *sql.DB
	source database.Source
	tables []string
	rows   map[string]rowSet // of each table
	sums   map[string]string // checksum of each table
	next   map[string]string // how each sequence is set
}

func newPostgres(t *testing.T, schema string) fixture {
	t.Helper()
	server := pgtest.Start(t)
	text := testenv.Script(t, schema)
	name := server.Database(t)
	f := &pg{
		db: server.Open(t, name),
		source: database.Source{
			DSN:  fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", name, server.SocketDir, server.Port),
			User: server.User, Password: server.Password,
		},
	}
	f.exec(t, "%s", text)
	f.exec(t, "%s", countOn)
	f.tables = column(t, f.db, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
	f.rows = map[string]rowSet{}
	f.exec(t, "CREATE SCHEMA spare")
	for _, table := range f.tables {
		f.exec(t, `CREATE TABLE spare."%s" AS TABLE public."%[1]s"`, table)
		f.rows[table] = f.read(t, table)
	}
	f.sums, f.next = f.checksums(t), f.sequences(t)
	return f
}

// countOn lets each sequence continue after the keys that came with the rows, as
// the other databases do by themselves.
const countOn = `
	DO $$
	DECLARE s record;
	BEGIN
		FOR s IN
			SELECT d.objid::regclass AS sequence, d.refobjid::regclass AS "table", a.attname AS "column"
			FROM pg_depend d
			JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
			JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
			WHERE d.deptype IN ('a', 'i')
		LOOP
			EXECUTE format('SELECT setval(%L, max(%I)) FROM %s HAVING max(%I) IS NOT NULL', s.sequence, s."column", s."table", s."column");
		END LOOP;
	END $$`

func (f *pg) exec(t *testing.T, format string, args ...any) {
	t.Helper()
	text := fmt.Sprintf(format, args...)
	if _, err := f.db.Exec(text); err != nil {
		t.Fatalf("%.300s: %v", text, err)
	}
}

func (f *pg) fresh(t *testing.T) database.Source {
	t.Helper()
	for table := range f.changed(t) {
		f.exec(t, `DELETE FROM public."%s"; INSERT INTO public."%[1]s" SELECT * FROM spare."%[1]s"`, table)
	}
	for sequence, set := range f.sequences(t) {
		if set != f.next[sequence] {
			f.exec(t, `SELECT setval('public."%s"', %s)`, sequence, f.next[sequence])
		}
	}
	return f.source
}

func (f *pg) changes(t *testing.T) []string {
	t.Helper()
	before, after := rowSet{}, rowSet{}
	for table := range f.changed(t) {
		maps.Copy(before, f.rows[table])
		maps.Copy(after, f.read(t, table))
	}
	return before.diff(after)
}

// changed returns the tables whose rows are not the fresh ones.
func (f *pg) changed(t *testing.T) map[string]bool {
	t.Helper()
	changed := map[string]bool{}
	for table, sum := range f.checksums(t) {
		if sum != f.sums[table] {
			changed[table] = true
		}
	}
	return changed
}

func (f *pg) checksums(t *testing.T) map[string]string {
	t.Helper()
	var each []string
	for _, table := range f.tables {
		each = append(each, fmt.Sprintf(`SELECT '%s', md5(COALESCE(string_agg(r::text, E'\n' ORDER BY r::text), '')) FROM public."%[1]s" r`, table))
	}
	return pairs(t, f.db, strings.Join(each, " UNION ALL "))
}

// sequences reads how each is set, in the form of the arguments of setval.
func (f *pg) sequences(t *testing.T) map[string]string {
	t.Helper()
	return pairs(t, f.db, "SELECT sequencename, COALESCE(last_value || ', true', start_value || ', false') FROM pg_sequences WHERE schemaname = 'public'")
}

// read adds the rows of a table, each value in the server's own text.
func (f *pg) read(t *testing.T, name string) rowSet {
	t.Helper()
	var casts []string
	numbers := map[string]bool{}
	for column, typ := range pairs(t, f.db, "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'public.\""+name+"\"'::regclass AND attnum > 0") {
		numbers[column] = slices.Contains([]string{"smallint", "integer", "bigint", "numeric", "real", "double precision"}, typ)
	}
	for _, c := range column(t, f.db, "SELECT attname FROM pg_attribute WHERE attrelid = 'public.\""+name+"\"'::regclass AND attnum > 0 ORDER BY attnum") {
		casts = append(casts, `CASE WHEN "`+c+`" IS NOT NULL THEN format('%s', "`+c+`") END AS "`+c+`"`)
	}
	set := rowSet{}
	numeric := func(c *sql.ColumnType) bool { return numbers[c.Name()] }
	table{name, "SELECT " + strings.Join(casts, ", ") + ` FROM public."` + name + `"`, numeric}.read(t, f.db, set)
	return set
}
