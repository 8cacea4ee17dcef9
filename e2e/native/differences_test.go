//go:build e2e

package native

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A difference is a way in which a native driver and dbsep differ on purpose, as
// docs/differences.md says.
type difference struct {
	id       string // in the first column there
	explains func(*comparison) bool
}

// staticOrder is the id of the one difference that is not of a comparison.
const staticOrder = "static-order"

var known = []difference{
	{"operator-in-write", func(c *comparison) bool {
		return !c.reads() && c.condition(func(f field) bool {
			return f.operator != "" && (c.native.failed || c.database == "MariaDB" && (f.operator == " <" || f.operator == " >"))
		})
	}},
	{"odd-condition", func(c *comparison) bool { return c.condition(c.isOdd) && c.dbsep.kind() != "done" }},
	{"empty-condition", func(c *comparison) bool {
		return c.condition(func(f field) bool { return f.value == "" && (!f.column.text || !c.reads()) }) &&
			(c.native.failed || c.database == "PostgreSQL")
	}},
	{"empty-condition-zero", func(c *comparison) bool {
		return c.database == "MariaDB" && c.reads() && c.condition(isEmptyNumber)
	}},
	{"open-bracket", func(c *comparison) bool {
		return strings.HasPrefix(c.operation, "update") && c.dbsep.failed && c.condition(func(f field) bool { return strings.Contains(f.value, "(") })
	}},
	{"pgsql-pattern", func(c *comparison) bool {
		return c.database == "PostgreSQL" && c.native.kind() == "no row" && c.condition(func(f field) bool {
			return isPattern(f) && (!f.column.text || strings.HasSuffix(f.value, `\`))
		})
	}},
	{"pgsql-no-row", func(c *comparison) bool {
		return c.database == "PostgreSQL" && c.native.failed && c.dbsep.kind() == "none" && c.value(isRefused)
	}},
	{"odbc-update2", func(c *comparison) bool {
		isEncoded := func(f field) bool { return strings.ContainsAny(f.value, ";^") }
		return c.database == "MariaDB" && c.operation == "update2" && (c.condition(isEncoded) || c.value(isEncoded))
	}},
	{"odbc-refused", func(c *comparison) bool {
		return c.database == "MariaDB" && c.dbsep.failed && c.sameRows() && c.value(isRefused)
	}},
	{"odbc-empty-choice", func(c *comparison) bool {
		return c.database == "MariaDB" && c.value(func(f field) bool { return f.value == "" && f.column.name == "choice" })
	}},
	{"empty-number", func(c *comparison) bool {
		return c.database != "SQLite" && c.value(isEmptyNumber) && c.native.failed && !c.dbsep.failed
	}},
	{"sqlite-empty-number", func(c *comparison) bool {
		return c.database == "SQLite" && c.value(isEmptyNumber)
	}},
	{"sqlite-destroy", func(c *comparison) bool {
		return c.database == "SQLite" && c.operation == "destroy" && len(c.dbsep.lines) > 0 &&
			strings.HasPrefix(c.dbsep.lines[0], fmt.Sprintf("Removed %d ", c.deleted))
	}},
	{"sqlite-texts", func(c *comparison) bool {
		return c.database == "SQLite" && c.sameRows() && slices.Equal(plainTexts(c.native.lines), plainTexts(c.dbsep.lines))
	}},
	{"sqlite-multi", func(c *comparison) bool {
		return c.database == "SQLite" && c.operation == "multi" && slices.Equal(unordered(c.native.lines), unordered(c.dbsep.lines))
	}},
	{"sqlite-like", func(c *comparison) bool {
		return c.database == "SQLite" && c.condition(func(f field) bool { return f.operator == " like" && strings.Contains(f.value, `\`) })
	}},
	{"sqlite-odd-stored", func(c *comparison) bool {
		return c.database == "SQLite" && c.condition(func(f field) bool { return !f.column.text && f.operator != "" && c.storesOdd(f.column) })
	}},
}

// documented are the ids in the table of docs/differences.md, in their order.
func documented(t *testing.T) (ids []string) {
	t.Helper()
	_, section, found := strings.Cut(read(t, "../../docs/differences.md"), "\n## Beside Asterisk's own drivers\n")
	if !found {
		t.Fatal("docs/differences.md has no section about Asterisk's own drivers")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if row, ok := strings.CutPrefix(line, "| `"); ok {
			id, _, _ := strings.Cut(row, "`")
			ids = append(ids, id)
		}
	}
	return ids
}

// explanation is the known difference that explains a comparison. Empty: none does.
func (c *comparison) explanation() string {
	for _, d := range known {
		if d.explains(c) {
			return d.id
		}
	}
	return ""
}

func (c *comparison) condition(is func(field) bool) bool {
	return slices.ContainsFunc(c.conditions, is)
}
func (c *comparison) value(is func(field) bool) bool { return slices.ContainsFunc(c.values, is) }

// isOdd reports whether a condition compares a column with what it cannot hold. Nothing is
// less or greater than an empty value where that is not one of the column's.
func (c *comparison) isOdd(f field) bool {
	ordered := strings.ContainsAny(f.operator, "<>") && f.operator != " <>"
	noText := !f.column.text || f.column.name == "choice" && c.database == "MariaDB"
	return noText && f.value == "" && ordered || !f.column.text && !isPattern(f) && slices.Contains(f.column.odd, f.value)
}

// isRefused reports whether a database refuses to store a value in its column.
func isRefused(f field) bool { return slices.Contains(f.column.odd, f.value) }

// storesOdd reports whether a row has what its column should not hold.
func (c *comparison) storesOdd(of column) bool {
	at := slices.IndexFunc(columns, func(c column) bool { return c.name == of.name })
	return slices.ContainsFunc(c.dbsepRows, func(row []string) bool {
		return row[at] == `""` || slices.ContainsFunc(of.odd, func(odd string) bool { return row[at] == strconv.Quote(odd) })
	})
}

func isEmptyNumber(f field) bool { return f.value == "" && !f.column.text }

// unordered are several rows without their order and their names, each of them plain.
func unordered(lines []string) (rows []string) {
	for len(lines) > 0 {
		lines = lines[1:] // the name
		end := slices.IndexFunc(lines, isRowName)
		if end < 0 {
			end = len(lines)
		}
		rows, lines = append(rows, strings.Join(plainTexts(lines[:end]), "\n")), lines[end:]
	}
	slices.Sort(rows)
	return rows
}

// plainTexts are the lines of a row without what is a matter of form: empty values, the
// fraction of a whole number, and where a list is split.
func plainTexts(lines []string) (plain []string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil && name == "f" {
			value = strconv.FormatFloat(n, 'g', 15, 64)
		}
		for _, item := range strings.Split(value, ";") {
			if item = strings.TrimSpace(item); item != "" {
				plain = append(plain, name+" "+item)
			}
		}
	}
	return plain
}
