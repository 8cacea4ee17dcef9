package database_test

import (
	"fmt"

	"dbsep/internal/database"
	_ "dbsep/internal/database/all"
)

// A mistake in a source says how to fix it.
func ExampleOpen() {
	_, err := database.Open(database.Source{DSN: "DBI:Pg:dbname=asterisk;hostname=db1"})
	fmt.Println(err)
	// Output: dsn: sets "hostname", which PostgreSQL does not have (write host=...)
}
