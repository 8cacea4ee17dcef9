package database_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/sqlgen"
)

// TestRowsOfManyWidths reads rows of many widths at the same time and one after
// another: their places are used again, and no value may show in another row.
func TestRowsOfManyWidths(t *testing.T) {
	path, _ := databasetest.NewSQLiteFile(t)
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path})
	var all sync.WaitGroup
	for reader := range 8 {
		all.Go(func() {
			for i := range 50 {
				width := 1 + (reader*7+i*13)%40
				if err := readWide(t, db, width, fmt.Sprintf("%d.%d", reader, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// readWide reads two rows of so many columns, each third of which is NULL.
func readWide(t *testing.T, db *database.DB, width int, value string) error {
	columns := make([]string, width)
	for i := range columns {
		columns[i] = fmt.Sprintf("'%s.%d'", value, i)
		if i%3 == 2 {
			columns[i] = "NULL"
		}
	}
	list, wrong := strings.Join(columns, ", "), error(nil)
	err := db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT " + list + " UNION ALL SELECT " + list}, func(row [][]byte) error {
		for i, c := range row {
			got := "'" + string(c) + "'"
			if c == nil {
				got = "NULL"
			}
			if len(row) != width || got != columns[i] {
				wrong = fmt.Errorf("column %d of %d is %s, not %s", i, len(row), got, columns[i])
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return wrong
}
