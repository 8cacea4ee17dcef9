//go:build e2e

package native

import (
	"fmt"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// files is how many configuration files of a database are compared.
const files = 10

// staticFamilies are the lines of extconfig.conf for a side's files. The manager wants them
// on the disk, too; Asterisk does not read them there.
func (s side) staticFamilies(t *testing.T, a *testenv.Asterisk, driver string) string {
	t.Helper()
	var lines strings.Builder
	for i := range files {
		a.Write(t, s.file(i), "")
		fmt.Fprintf(&lines, "%s => %s\n", s.file(i), driver)
	}
	return lines.String()
}

func (s side) file(i int) string { return fmt.Sprintf("%s%d.conf", s.family, i) }

// compareFiles fills files at random and has Asterisk read them in both ways.
func (p *pair) compareFiles(t *testing.T, m *manager, g generator) (differ int) {
	t.Helper()
	for i := range files {
		for _, category := range []string{"general", "peers", "a-b"} {
			catMetric := g.IntN(3)
			for _, name := range []string{"x", "y_y", "y", "100rel"} {
				line := []any{catMetric, g.IntN(3), g.IntN(5) / 4, category, name, g.value(columns[labels])}
				for _, s := range []side{p.native, p.dbsep} {
					_, err := s.db.ExecContext(t.Context(), "INSERT INTO ast_config"+s.values(len(line)+1), append(line, s.file(i))...)
					check(t, err)
				}
			}
		}
		native := m.action(t, "Action: GetConfig\r\nFilename: "+p.native.file(i)+"\r\n")
		dbsep := m.action(t, "Action: GetConfig\r\nFilename: "+p.dbsep.file(i)+"\r\n")
		if !strings.Contains(native, "Line-") { // each line may be commented out, but hardly all of them
			t.Errorf("the native driver reads no file: %s", native)
		}
		if native != dbsep {
			differ++
			if p.name != "SQLite" { // there, the native driver sorts in its own way
				t.Errorf("native:\n%s\ndbsep:\n%s", native, dbsep)
			}
		}
	}
	return differ
}
