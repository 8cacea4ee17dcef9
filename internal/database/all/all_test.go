package all_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"dbsep/internal/database"
	_ "dbsep/internal/database/all"
	"dbsep/internal/database/databasetest"
	"dbsep/sqlgen"
)

// TestSQLiteConstraintAtTheCommit writes rows at the same time, some of which refer to
// a row that is not there, where SQLite looks at that in the end only.
func TestSQLiteConstraintAtTheCommit(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)(
		"CREATE TABLE parent (id INTEGER PRIMARY KEY)", "INSERT INTO parent VALUES (0)",
		"CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
	db := databasetest.Open(t, database.Source{DSN: "DBI:ODBC:Driver=libsqlite3odbc.so;FKSupport=1;Database=" + path})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			parent := i % 3 / 2 // every third is wrong
			_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: fmt.Sprintf("INSERT INTO child VALUES (%d, %d)", i, parent)})
			var fault *sqlgen.Fault
			if errors.As(err, &fault) && fault.Cause != sqlgen.Constraint || (err != nil) != (parent != 0) {
				t.Errorf("a child of %d: %v, %v", parent, err, errors.Unwrap(err))
			}
		})
	}
	all.Wait()
	if got, err := databasetest.QueryText(t.Context(), db, "SELECT count(*) FROM child"); got != "40" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
