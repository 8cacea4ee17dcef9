//go:build e2e

package attack

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// Random conditions have columns, operators and values of every kind, also of the wrong
// one, and up to three of them at a time.
var (
	comparedNames = []string{"id", "small", "big", "number", "day", "word"}
	operators     = []string{"", " =", " ==", " !=", " <>", " <", " <=", " >", " >=", " LIKE", " like", " NOT LIKE"}
	valuePieces   = []string{"0", "5", "7", "-", "+", ".", "42", "1500", "32767", "99", "000", "e", "a", "b", "abc", "z", "%", "x", " ", "2026-01-02", "2024-02-29",
		"-02", "2026", "9223372036854775807", "9007199254740993", "NULL", "'", "\"", "(", "--", ";", "é", "中", "1=1"}
)

// randomCondition is a condition that every database understands in the same way. The
// order of texts, and spaces at their end, are matters of their collation, 5 in
// NUMERIC(10,2) is 5.00 for some, SQLite takes 5e0 for 5 and .0 for 0, and PostgreSQL finds dates in
// nearly everything.
func randomCondition(r *rand.Rand) (name, value string) {
	for {
		column, operator := comparedNames[r.IntN(len(comparedNames))], operators[r.IntN(len(operators))]
		value := ""
		for range r.IntN(4) {
			value += valuePieces[r.IntN(len(valuePieces))]
		}
		like := strings.HasSuffix(strings.ToUpper(operator), "LIKE")
		switch {
		case column == "word" && !like && strings.ContainsAny(operator, "<>") && operator != " <>",
			column == "number" && like,
			column == "day" && !like && !plainDate.MatchString(value),
			!like && value != strings.TrimSpace(value),
			oddNumber.MatchString(value):
		default:
			return column + operator, value
		}
	}
}

var (
	plainDate = regexp.MustCompile(`^(\d{4}-\d\d-\d\d|\D*|\d{1,4})$`)
	oddNumber = regexp.MustCompile(`\de|^[-+]?\.`)
)

// TestRandomConditions sends the same conditions to every database.
func TestRandomConditions(t *testing.T) {
	count, seed := 10000, uint64(1) // the same at each landing
	if full {
		count, seed = 100000, uint64(time.Now().UnixNano())
	}
	testenv.Feature(t, "attack", fmt.Sprintf("%d random conditions: the same rows on every database", count), func(t *testing.T) {
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		var targets []*target
		for _, k := range kinds {
			targets = append(targets, serve(t, k.site(t, "testdata/compared.sql")))
		}
		different := 0
		for range count {
			var parts []string
			for range 1 + r.IntN(3) {
				name, value := randomCondition(r)
				parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
			}
			body := strings.Join(parts, "&")
			var first string
			for i, x := range targets {
				got := x.compared(t, body)
				switch {
				case i == 0:
					first = got
				case got != first && (got != "" || first != ""):
					t.Errorf("%s: %s has %q, %s has %q", body, kinds[0].name, first, kinds[i].name, got)
					different++
				}
			}
			if different > 30 {
				t.Fatal("and so on")
			}
		}
	})
}

// compared lists the rows that a server has for conditions. Where one condition is met by
// no row and another one makes no sense, some databases find out the one and some the
// other: nothing is the same as an error that says so.
func (x *target) compared(t *testing.T, body string) string {
	t.Helper()
	response, err := http.Post(x.url+"/compared/multi", "application/x-www-form-urlencoded", strings.NewReader(body))
	check(t, err)
	defer response.Body.Close()
	switch code := response.Header.Get("X-Dbsep-Error"); code {
	case "", "bad-value":
	default:
		return code
	}
	text, err := io.ReadAll(response.Body)
	check(t, err)
	var rows []string
	for line := range strings.Lines(string(text)) {
		id, _, _ := strings.Cut(line, "&")
		rows = append(rows, strings.TrimPrefix(strings.TrimSpace(id), "id="))
	}
	slices.Sort(rows)
	return strings.Join(rows, " ")
}
