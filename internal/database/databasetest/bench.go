package databasetest

import (
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

func BenchmarkSingle(b *testing.B, db *database.DB) {
	s := ReadSingle(b, db)
	b.ReportAllocs()
	for b.Loop() {
		if err := db.Query(b.Context(), s, func([][]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func ReadSingle(b *testing.B, db *database.DB) sqlgen.Statement {
	b.Helper()
	table, err := db.Describe(b.Context(), "v")
	if err != nil {
		b.Fatal(err)
	}
	s, err := sqlgen.Single(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}})
	if err == nil {
		err = db.Query(b.Context(), s, func([][]byte) error { return nil })
	}
	if err != nil {
		b.Fatal(err)
	}
	return s
}
