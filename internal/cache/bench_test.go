package cache

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/sqlgen"
)

const benchEntries = 100_000

// benchSite has many entries in its file.
func benchSite(b *testing.B) *site {
	b.Helper()
	s := newSite(b, filepath.Join(b.TempDir(), "file"), 256<<20)
	s.db.set(nil, []any{strings.Repeat("x", 600)})
	for i := range benchEntries {
		if err := s.Query(b.Context(), single("id", fmt.Sprint(i)), func([][]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
		if i%10_000 == 0 {
			s.store.flush(false)
		}
	}
	s.store.flush(false)
	return s
}

// BenchmarkWrite is what a write of a table with many entries costs besides the database.
func BenchmarkWrite(b *testing.B) {
	s := benchSite(b)
	defer s.store.Close()
	for name, write := range map[string]func(i int) sqlgen.Statement{
		"by key": func(i int) sqlgen.Statement {
			return update(fields("id", fmt.Sprint(i%benchEntries)), fields("a", "x"))
		},
		"by table": func(int) sqlgen.Statement { return update(fields("n", "1"), fields("a", "x")) },
	} {
		var all []sqlgen.Statement
		for i := range 1000 {
			all = append(all, write(i))
		}
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				s.write(b, all[i%len(all)])
				if i%1000 == 0 {
					b.StopTimer()
					s.store.flush(false)
					b.StartTimer()
				}
			}
		})
	}
}

// BenchmarkRead is what keeping the rows of a query costs, and finding them.
func BenchmarkRead(b *testing.B) {
	s := benchSite(b)
	defer s.store.Close()
	var all []sqlgen.Statement
	for i := range 1000 {
		all = append(all, single("id", fmt.Sprint(i)))
	}
	none := func([][]byte) error { return nil }
	b.Run("without", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = s.db.Query(b.Context(), all[i%len(all)], none)
		}
	})
	b.Run("keep", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = s.Query(b.Context(), all[i%len(all)], none)
		}
	})
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, ok := s.StaleRows(all[i%len(all)], unavailable); !ok {
				b.Fatal("there are no rows")
			}
		}
	})
}
