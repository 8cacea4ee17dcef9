package databasetest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// RowLimit reads rows that are too long and others, in turns. The types are those of
// a text and of bytes of any length, and repeat is the SQL for so many characters.
func RowLimit(t *testing.T, source database.Source, setup func(...string), text, bytes string, repeat func(n int) string) {
	const limit = 1 << 20
	source.MaxRowBytes = limit
	db := Open(t, source)
	setup(fmt.Sprintf("CREATE TABLE large (id INTEGER NOT NULL PRIMARY KEY, a %s, b %s, c %[1]s, d %[1]s)", text, bytes))
	rows := map[string]struct {
		lengths [4]int
		fits    bool
	}{
		"1": {[4]int{limit / 2, limit/2 - 2, 1, 0}, true}, // with its id, as long as a row may be
		"2": {[4]int{limit / 2, limit / 2, 0, 0}, false},
		"3": {[4]int{0, limit * 3 / 2, 0, 0}, false},
		"4": {[4]int{limit * 3 / 2, 0, 0, 0}, false},
		"5": {[4]int{12 * limit, 12 * limit, 12 * limit, 12 * limit}, false},
	}
	for id, row := range rows {
		setup(fmt.Sprintf("INSERT INTO large SELECT %s, %s, CAST(%s AS %s), %s, %s", id, repeat(row.lengths[0]),
			repeat(row.lengths[1]), strings.Replace(bytes, "LONGBLOB", "BINARY", 1), repeat(row.lengths[2]), repeat(row.lengths[3])))
	}
	for range 2 { // the connection, or the next one, goes on
		for id, row := range rows {
			got, allocated, err := readLengths(t.Context(), db, id)
			switch {
			case row.fits && (err != nil || got != row.lengths):
				t.Errorf("row %s: %v, %v, want %v", id, got, err, row.lengths)
			case !row.fits && CauseOf(err) != sqlgen.RowTooLarge:
				t.Errorf("row %s: %v, %v", id, got, err)
			case allocated > 20*limit:
				t.Errorf("row %s: %d bytes of memory", id, allocated)
			}
		}
	}
}

// readLengths reads the row of an id, and reports how much memory that takes.
func readLengths(ctx context.Context, db *database.DB, id string) (lengths [4]int, allocated uint64, err error) {
	table, err := db.Describe(ctx, "large")
	if err != nil {
		return lengths, 0, err
	}
	s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: id}})
	if err != nil {
		return lengths, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = db.Query(ctx, s, func(columns [][]byte) error {
		for i := range lengths {
			lengths[i] = len(columns[i+1])
		}
		return nil
	})
	runtime.ReadMemStats(&after)
	return lengths, after.TotalAlloc - before.TotalAlloc, err
}
