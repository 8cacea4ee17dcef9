package replay

import (
	"testing"

	"dbsep/internal/database"
	_ "dbsep/internal/database/all"
)

// A fixture is a database that can be made fresh again and again.
type fixture interface {
	// fresh gives the database the schema and the rows of its file and returns where it
	// is.
	fresh(t *testing.T) database.Source

	// changes lists how the rows differ from fresh ones.
	changes(t *testing.T) []string
}

// fixtures makes a fixture of each kind of database that can be had here. The
// names are those of the recordings.
var fixtures = map[string]func(t *testing.T, schema string) fixture{
	"sqlite":  newSQLite,
	"mariadb": newMariaDB,
	"pg":      newPostgres,
}
