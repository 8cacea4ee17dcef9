package database

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dbsep/sqlgen"
)

// Tables lists the tables and views of the schema, sorted.
func (db *DB) Tables(ctx context.Context) ([]string, error) {
	var names []string
	err := db.Query(ctx, sqlgen.Statement{SQL: db.driver.TablesSQL, Args: db.scope}, func(columns [][]byte) error {
		names = append(names, string(columns[0]))
		return nil
	})
	slices.Sort(names)
	return names, err
}

// Describe returns what a table or view of the schema consists of now. A name in the
// database's own spelling comes first; another spelling is taken where exactly
// one table fits it. The Fault of a name that is no table's has the cause
// [sqlgen.UnknownTable], and a hint where another schema has such a table.
func (db *DB) Describe(ctx context.Context, table string) (*sqlgen.Table, error) {
	t, err := db.describeAgain(ctx, table)
	if t != nil || err != nil {
		return t, err
	}
	found := time.Now()
	t, err = db.describe(ctx, table)
	switch {
	case err != nil:
		return nil, err
	case t == nil:
		return nil, &sqlgen.Fault{Cause: sqlgen.UnknownTable, Table: table, Hint: db.Elsewhere(ctx, table)}
	}
	db.described.set(table, description{Table: t, found: found})
	return t, nil
}

// describeAgain describes a table that has been described a while ago. It returns nil
// where that helps nothing.
func (db *DB) describeAgain(ctx context.Context, name string) (*sqlgen.Table, error) {
	known, ok := db.described.take(name)
	if !ok {
		return nil, nil
	}
	fingerprint, err := db.fingerprint(ctx, known.Table)
	if err != nil {
		return nil, err
	}
	if fingerprint == "" || fingerprint != known.fingerprint {
		t, err := db.describeName(ctx, known.Name)
		if err != nil || t == nil || t.Schema != known.Schema {
			return nil, err
		}
		known.Table, known.fingerprint = t, fingerprint
	}
	db.described.set(name, known)
	return known.Table, nil
}

// fingerprint returns a text that changes with the description of a table, or nothing
// where the database has none. An error is one that the description would meet, too.
func (db *DB) fingerprint(ctx context.Context, t *sqlgen.Table) (text string, err error) {
	if db.driver.FingerprintSQL == "" {
		return "", nil
	}
	err = db.Query(ctx, sqlgen.Statement{SQL: db.driver.FingerprintSQL, Args: nameArgs(t)}, func(row [][]byte) error {
		text = string(row[0])
		return nil
	})
	if isNoAnswer(err) {
		return "", err
	}
	return text, nil
}

// isNoAnswer reports whether the database has not answered a statement. Any other failure
// is an answer: the database does not know what the statement asks for.
func isNoAnswer(err error) bool {
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) {
		return false
	}
	switch fault.Cause {
	case sqlgen.Unavailable, sqlgen.Busy, sqlgen.Timeout, sqlgen.Canceled:
		return true
	}
	return false
}

// findUnique notes which columns are unique keys by themselves.
func (db *DB) findUnique(ctx context.Context, t *sqlgen.Table) error {
	if db.batches == nil {
		return nil
	}
	keys, err := db.Keys(ctx, t)
	if isNoAnswer(err) {
		return err
	}
	for _, key := range keys {
		if c := t.Column(key[0]); c != nil && len(key) == 1 {
			c.Unique = true
		}
	}
	return nil
}

// nameArgs are the arguments of a statement about one table.
func nameArgs(t *sqlgen.Table) []any {
	if t.Schema == "" {
		return []any{t.Name}
	}
	return []any{t.Name, t.Schema}
}

// describe returns nil where there is no such table. A name may have that of its schema
// before it, which must be the one that the source means.
func (db *DB) describe(ctx context.Context, table string) (*sqlgen.Table, error) {
	t, err := db.describeName(ctx, table)
	schema, name, qualified := strings.Cut(table, ".")
	if t != nil || err != nil || !qualified {
		return t, err
	}
	if db.schema != "" && db.schema != schema {
		return nil, nil
	}
	if t, err = db.describeName(ctx, name); t == nil || err != nil || cmp.Or(t.Schema, db.schema) != schema {
		return nil, err
	}
	return t, nil
}

// Elsewhere is what to do about a table that is in another schema, where requests do not find
// it. It is empty where there is none, or the database cannot say.
func (db *DB) Elsewhere(ctx context.Context, table string) string {
	if _, name, qualified := strings.Cut(table, "."); qualified {
		table = name
	}
	if db.driver.ElsewhereSQL == "" || !mayBeName(table) {
		return ""
	}
	var schemas []string
	err := db.Query(ctx, sqlgen.Statement{SQL: db.driver.ElsewhereSQL, Args: append([]any{table}, db.scope...)}, func(columns [][]byte) error {
		schemas = append(schemas, string(columns[0]))
		return nil
	})
	if err != nil || len(schemas) == 0 {
		return ""
	}
	return "found in the schema " + strings.Join(schemas, " and in ") + ": add it to search_path, in dsn or by ALTER ROLE, or name it in dbschema"
}

func (db *DB) describeName(ctx context.Context, table string) (*sqlgen.Table, error) {
	if !mayBeName(table) {
		return nil, nil
	}
	for i, text := range db.driver.ColumnsSQL {
		spellings, err := db.spellings(ctx, sqlgen.Statement{SQL: text, Args: append([]any{table}, db.scope...)})
		if err != nil {
			return nil, err
		}
		last := i == len(db.driver.ColumnsSQL)-1
		for name, found := range spellings {
			// The database may find a name equal that is not: MySQL disregards
			// spaces at the end and accents.
			if name == table || last && len(spellings) == 1 && strings.EqualFold(name, table) {
				t := found.table(name)
				return t, db.findUnique(ctx, t)
			}
		}
	}
	return nil, nil
}

// mayBeName reports whether a database could have a name. Some refuse even to look for
// others.
func mayBeName(text string) bool {
	return strings.IndexByte(text, 0) < 0 && utf8.ValidString(text)
}

// Keys lists the unique keys of a table by which equality finds one row, each as
// the names of its columns, the primary key first. It is empty where the database
// does not report them.
func (db *DB) Keys(ctx context.Context, t *sqlgen.Table) ([][]string, error) {
	if db.driver.KeysSQL == "" {
		return nil, nil
	}
	var keys [][]string
	var last string
	broken := false
	err := db.Query(ctx, sqlgen.Statement{SQL: db.driver.KeysSQL, Args: nameArgs(t)}, func(row [][]byte) error {
		name := string(row[0])
		if keys == nil || name != last {
			keys, last, broken = append(keys, nil), name, false
		}
		key := &keys[len(keys)-1]
		if broken = broken || row[1] == nil; broken {
			*key = nil
			return nil
		}
		*key = append(*key, string(row[1]))
		return nil
	})
	return slices.DeleteFunc(keys, func(key []string) bool { return key == nil }), err
}

// A spelling is a table that a name fits.
type spelling struct {
	schema   string
	partial  bool
	readable bool // the account may read a column
	columns  []sqlgen.Column
}

// table returns the table. If the account may read none of its columns, the database shall
// say so.
func (s *spelling) table(name string) *sqlgen.Table {
	for i := range s.columns {
		s.columns[i].Invisible = s.columns[i].Invisible && s.readable
	}
	t := sqlgen.NewTable(name, s.columns)
	t.Schema, t.Partial = s.schema, s.partial
	return t
}

// spellings reads every table that a name fits, by its own name.
func (db *DB) spellings(ctx context.Context, s sqlgen.Statement) (map[string]*spelling, error) {
	found := make(map[string]*spelling)
	err := db.Query(ctx, s, func(row [][]byte) error {
		characters, _ := strconv.Atoi(string(row[3])) // NULL is 0
		c := sqlgen.Column{
			Name:     string(row[1]),
			Type:     string(row[2]),
			Nullable: string(row[4]) == "1",

			Invisible: string(row[5]) != "0",
		}
		c.Class, c.Size, c.Unsigned = db.driver.ClassifyType(c.Type, characters)
		if db.driver.ClassifyCollation != nil && c.Class == sqlgen.Text {
			c.Collation = db.driver.ClassifyCollation(c.Type, string(row[6]))
		}
		t := found[string(row[0])]
		if t == nil {
			t = new(spelling)
			found[string(row[0])] = t
		}
		if len(row) > 7 {
			t.schema = string(row[7])
		}
		if len(row) > 8 {
			t.partial = string(row[8]) == "1"
		}
		if string(row[5]) != "2" {
			t.readable = true
		}
		t.columns = append(t.columns, c)
		return nil
	})
	return found, err
}
