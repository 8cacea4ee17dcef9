package replay

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
)

// recordedChanges brings the lines of a recording into the form of diff. Lines
// about counters of generated keys are left out.
func recordedChanges(t *testing.T, lines []string) []string {
	t.Helper()
	var changes []string
	for _, line := range lines {
		sign, rest := line[:2], line[2:]
		if !strings.HasPrefix(rest, "INSERT INTO ") || strings.HasPrefix(rest, "INSERT INTO sqlite_sequence ") {
			continue
		}
		r, err := parseInsert(rest)
		if err != nil {
			t.Fatalf("%v in the recorded line %.200s", err, line)
		}
		changes = append(changes, sign+string(r))
	}
	slices.SortFunc(changes, func(a, b string) int {
		return cmp.Or(-cmp.Compare(a[0], b[0]), cmp.Compare(a, b)) // '-' stands behind '+'
	})
	return changes
}

// parseInsert reads an INSERT as sqlite3's .dump, mysqldump and pg_dump write it.
func parseInsert(line string) (row, error) {
	head, list, found := strings.Cut(strings.TrimPrefix(line, "INSERT INTO "), "VALUES")
	if !found {
		return "", errors.New("no VALUES")
	}
	name := strings.Trim(strings.TrimPrefix(strings.TrimSpace(head), "public."), "\"`")
	list = strings.TrimPrefix(list, " ")
	escapes := strings.Contains(head, "`") // of mysqldump
	var values []string
	for list != "" && list != ";" {
		list = strings.TrimPrefix(list[1:], " ") // behind ( or ,
		var value string
		if strings.HasPrefix(list, "'") {
			value, list = cutText(list[1:], escapes)
			value = shown(value)
		} else {
			n := strings.IndexAny(list, ",)")
			if n < 0 {
				return "", errors.New("a value without an end")
			}
			value, list = numberText(list[:n]), list[n:]
		}
		values = append(values, value)
		list = strings.TrimPrefix(list, ")")
	}
	return newRow(name, values), nil
}

// cutText reads a text up to its closing quote.
func cutText(s string, escapes bool) (text, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'', escapes && s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '\'':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
