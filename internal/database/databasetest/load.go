package databasetest

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dbsep/sqlgen"
)

var load = map[string]func(*testing.T, *fixture){
	"many rows stream": func(t *testing.T, f *fixture) {
		const rows = 20000
		f.setup("CREATE TABLE [many] ([id] INTEGER NOT NULL PRIMARY KEY, [text] VARCHAR(100))")
		for first := 0; first < rows; first += 1000 {
			var values []string
			for id := first; id < first+1000; id++ {
				values = append(values, fmt.Sprintf("(%d, 'text %d')", id, id))
			}
			f.setup("INSERT INTO [many] VALUES " + strings.Join(values, ", "))
		}
		s, err := sqlgen.Multi(f.DB.Dialect(), f.describe("many"), fields("id >=", "0"))
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		err = f.DB.Query(t.Context(), s, func(columns [][]byte) error {
			if id := strconv.Itoa(seen); string(columns[0]) != id || string(columns[1]) != "text "+id {
				return fmt.Errorf("row %d is %q", seen, columns)
			}
			seen++
			return nil
		})
		if err != nil || seen != rows {
			t.Errorf("%d rows, %v", seen, err)
		}
	},

	"many statements at once": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [counters] ([name] VARCHAR(20) NOT NULL PRIMARY KEY, [n] INTEGER)")
		table := f.describe("counters")
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				name := fmt.Sprintf("worker %d", worker)
				if _, err := f.store(table, "name", name, "n", "0"); err != nil {
					t.Error(plain(err))
					return
				}
				for n := range 20 {
					// Lookups that differ make statements that differ.
					lookup := fields("name", name)
					for range n * worker {
						lookup = append(lookup, sqlgen.Field{Name: "n >=", Value: "0"})
					}
					s, err := sqlgen.Update(f.DB.Dialect(), table, lookup, fields("n", strconv.Itoa(n)))
					if err != nil {
						t.Error(err)
						return
					}
					if matched, err := f.DB.Exec(t.Context(), s); matched != 1 || err != nil {
						t.Errorf("%d, %v", matched, plain(err))
						return
					}
					if err := f.readBack(table, name, n); err != nil {
						t.Error(plain(err))
						return
					}
				}
			})
		}
		all.Wait()
	},

	"more statements than are kept": func(t *testing.T, f *fixture) {
		var all sync.WaitGroup
		for worker := range 4 {
			all.Go(func() {
				for n := range 400 {
					want := strconv.Itoa((n + 100*worker) % 400)
					got := ""
					err := f.DB.Query(t.Context(), sqlgen.Statement{SQL: "SELECT " + want}, func(columns [][]byte) error {
						got = string(columns[0])
						return nil
					})
					if err != nil || got != want {
						t.Errorf("%q, %v, want %s", got, err, want)
						return
					}
				}
			})
		}
		all.Wait()
	},
}

// readBack checks that a statement sees what the one before it wrote.
func (f *fixture) readBack(table *sqlgen.Table, name string, want int) error {
	s, err := sqlgen.Single(f.DB.Dialect(), table, fields("name", name))
	if err != nil {
		return err
	}
	got := ""
	err = f.DB.Query(f.t.Context(), s, func(columns [][]byte) error {
		got = string(columns[1])
		return nil
	})
	if err == nil && got != strconv.Itoa(want) {
		return fmt.Errorf("%s reads %q after writing %d", name, got, want)
	}
	return err
}
