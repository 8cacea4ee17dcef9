package replay

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// A decision is one response and what it did to the rows, as lines for people.
type decision []string

func decide(a answer, changes []string) decision {
	first := fmt.Sprint(a.status)
	if a.code != "" {
		first += " " + a.code
	}
	return append(decision{first + " " + shown(a.body)}, changes...)
}

func (d decision) equal(other decision) bool { return slices.Equal(d, other) }

func (d decision) String() string { return strings.Join(d, "\n") }

// decisions are the responses that dbsep has to send, by the title of their
// request. In their file each is below its title:
//
//	fix get-update@sqlite: GET "/mwi/update" query "id=Dazed&msgs_new=9"
//	    200 method-not-allowed "-1\n"
type decisions map[string]decision

func readDecisions(t *testing.T, file string) decisions {
	t.Helper()
	all := decisions{}
	title := ""
	readLines(t, file, func(text []byte) error {
		line := string(text)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "    ") && title != "":
			all[title] = append(all[title], strings.TrimPrefix(line, "    "))
		default:
			title = line
			if all[title] != nil {
				return fmt.Errorf("a second %s", title)
			}
			all[title] = decision{}
		}
		return nil
	})
	return all
}

// write writes the decisions below the comment that their file begins with.
func (all decisions) write(t *testing.T, file string) {
	t.Helper()
	var b strings.Builder
	if old, err := os.ReadFile(file); err == nil {
		for line := range strings.Lines(string(old)) {
			if line[0] != '#' {
				break
			}
			b.WriteString(line)
		}
	}
	for _, title := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, line := range all[title] {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
