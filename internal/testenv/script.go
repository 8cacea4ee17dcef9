package testenv

import (
	"strings"
	"testing"

	"dbsep/internal/asterisk"
	"dbsep/internal/schema"
)

// tablesHere is the beginning of a line of a script that stands for the tables of
// Asterisk: what the command in it prints.
const tablesHere = "-- dbsep schema print --asterisk "

// Script reads an SQL script, with the tables of Asterisk where it says so.
func Script(t testing.TB, file string) string {
	t.Helper()
	text := read(t, file)
	before, rest, found := strings.Cut(text, tablesHere)
	if !found {
		return text
	}
	line, after, _ := strings.Cut(rest, "\n")
	version, name, _ := strings.Cut(line, " --database ")
	d, err := schema.Find(name)
	check(t, err)
	release, _, err := asterisk.FindRelease(version)
	check(t, err)
	tables, err := asterisk.Tables(release)
	check(t, err)
	return before + strings.Join(d.Create(tables), ";\n") + ";\n" + after
}
