package transfer

import (
	"context"
	"fmt"
	"slices"

	"dbsep/internal/asteriskconf"
	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// Export returns the text of a static file, and how many of its rows are commented out and
// not part of it.
func Export(ctx context.Context, db *database.DB, table, file string) (text string, commented int, err error) {
	t, err := db.Describe(ctx, table)
	if err != nil {
		return "", 0, withCause(err)
	}
	sections, err := readStatic(ctx, db, t, file)
	if err != nil {
		return "", 0, withCause(err)
	}
	if len(sections) == 0 {
		return "", 0, noFile(ctx, db, t, file)
	}
	if text, err = asteriskconf.Text(sections); err != nil {
		return "", 0, err
	}
	err = readFiles(ctx, db, t, sqlgen.Field{Name: fileColumn, Value: file}, func(_, isCommented string) {
		if isCommented != notCommented {
			commented++
		}
	})
	return text, commented, err
}

// readFiles calls a function with the file and the mark of each row that meets a condition.
func readFiles(ctx context.Context, db *database.DB, t *sqlgen.Table, condition sqlgen.Field, use func(file, commented string)) error {
	query, err := sqlgen.Multi(db.Dialect(), t, []sqlgen.Field{condition})
	if err != nil {
		return withCause(err)
	}
	file, commented := query.Position(fileColumn), query.Position(commentedColumn)
	return withCause(db.Query(ctx, query, func(columns [][]byte) error {
		use(string(columns[file]), string(columns[commented]))
		return nil
	}))
}

// noFile says which files a table has instead.
func noFile(ctx context.Context, db *database.DB, t *sqlgen.Table, file string) error {
	var files []string
	err := readFiles(ctx, db, t, sqlgen.Field{Name: fileColumn + " LIKE", Value: "%"}, func(name, _ string) {
		if n := len(files); n == 0 || files[n-1] != name {
			files = append(files, name)
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(files)
	if files = slices.Compact(files); len(files) == 0 {
		return fmt.Errorf("%s has no row of %s, or of any other file; dbsep import adds some", t.Name, file)
	}
	return fmt.Errorf("%s has no row of %s; choose from %q", t.Name, file, files)
}
