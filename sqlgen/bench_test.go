package sqlgen_test

import (
	"fmt"
	"testing"

	"dbsep/sqlgen"
)

func BenchmarkStatement(b *testing.B) {
	columns := make([]sqlgen.Column, 150)
	for i := range columns {
		columns[i] = sqlgen.Column{Name: fmt.Sprintf("column_%d", i), Nullable: true}
	}
	table := sqlgen.NewTable("ps_endpoints", columns)
	lookup := pairs("column_0", "alice", "column_1 LIKE", "%")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sqlgen.Single(plain, table, lookup); err != nil {
			b.Fatal(err)
		}
	}
}
