package databasetest

import (
	"errors"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// WantQualifiedNames wants a table to be found under its name with that of its schema
// before it, and under no other schema's.
func WantQualifiedNames(t *testing.T, db *database.DB, run func(statements ...string), schema string) {
	run("CREATE TABLE peers (name VARCHAR(40))")
	for name, found := range map[string]bool{
		"peers": true, schema + ".peers": true, schema + ".PEERS": true, "elsewhere.peers": false, ".peers": false, schema + ".": false,
		schema + "." + schema + ".peers": false, schema + ".nothing": false,
	} {
		table, err := db.Describe(t.Context(), name)
		var fault *sqlgen.Fault
		if found && (err != nil || table.Name != "peers") || !found && (!errors.As(err, &fault) || fault.Cause != sqlgen.UnknownTable) {
			t.Errorf("%s: %v, %v", name, table, err)
		}
	}
}
