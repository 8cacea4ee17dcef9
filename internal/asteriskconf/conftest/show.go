package conftest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/asteriskconf"
)

// Write writes the files of a case into a folder.
func (c Case) Write(t testing.TB, dir string) {
	t.Helper()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("f.conf", c.Text)
	for name, text := range c.Files {
		write(name, text)
	}
}

// Show writes what was read of a folder's file in one line: [section] name=value ..., and
// its problems. A ! is before those for which Asterisk does not read the file, a ? before
// those of which Asterisk may read more.
func Show(f *asteriskconf.File, dir string) string {
	var parts []string
	if len(f.Sections) > 0 {
		parts = append(parts, ShowSections(f.Sections))
	}
	for _, p := range f.Problems {
		mark := [...]string{asteriskconf.Ignored: "", asteriskconf.Unread: "?", asteriskconf.Refused: "!"}[p.Effect]
		parts = append(parts, fmt.Sprintf("%s(%s:%d %s)", mark, strings.TrimPrefix(p.File, dir+"/"), p.Line, strings.ReplaceAll(p.Text, dir+"/", "")))
	}
	return strings.Join(parts, " ")
}

// ShowSections is [Show] without problems.
func ShowSections(sections []*asteriskconf.Section) string {
	var parts []string
	for _, s := range sections {
		parts = append(parts, "["+s.Name+"]")
		for _, l := range s.Lines {
			parts = append(parts, l.Name+"="+l.Value)
		}
	}
	return strings.Join(parts, " ")
}
