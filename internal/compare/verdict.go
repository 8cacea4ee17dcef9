package compare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Verdict is the result of comparing two responses to one request.
type Verdict struct {
	Same    bool     // as far as Asterisk can see
	Reasons []string // what explains a difference: the rows of docs/differences.md
	Details []string // what an unexplained difference consists of, without values
}

// Explained reports whether every difference has a known reason.
func (v Verdict) Explained() bool { return v.Same || len(v.Reasons) > 0 }

// The reasons that differences can have, in the words of docs/differences.md.
const (
	rowOrder       = "order of the rows of `multi`"
	codedSemi      = "a `;` in a value that is written"
	conditionSemi  = "a `;` in a condition"
	conditionCaret = "a `^` in a condition"
	emptyItems     = "empty items of a list"
	spacesInList   = "spaces around the items of a list"
	errorText      = "an error's text"
	staticFiles    = "files from the database"
	unusableNames  = "columns, tables and operators that the script could not use"
	checkedSchema  = "`require` is answered from the real schema"
	letters        = "letters beyond ASCII on PostgreSQL"
	arrays         = "an array of PostgreSQL"
	coerced        = "a condition with a value that its column cannot hold"
)

// Reasons are all of them.
var Reasons = []string{rowOrder, codedSemi, conditionSemi, conditionCaret, emptyItems, spacesInList, errorText, staticFiles, unusableNames, checkedSchema, letters, arrays, coerced}

// Compare compares the responses of the old gateway, usually the Perl script, and
// of dbsep to a request that reads.
func Compare(r Request, old, new Response) Verdict {
	if r.Operation() == "require" {
		return compareNumbers(old, new)
	}
	return compareRows(r, old, new)
}

func compareNumbers(old, new Response) Verdict {
	was, is := Number(old.Body), Number(new.Body)
	switch {
	case was == is:
		return Verdict{Same: true}
	case is == "-1":
		return Verdict{Reasons: []string{checkedSchema}}
	case was == "":
		return Verdict{Reasons: []string{errorText}}
	}
	return Verdict{Details: []string{fmt.Sprintf("old returns %q, new %q", shorten(old.Body), shorten(new.Body))}}
}

// Number is the number that Asterisk reads at the beginning of a body, "" where
// there is none.
func Number(body string) string {
	body = strings.TrimLeft(body, " \t\r\n")
	end := 0
	for end < len(body) && (body[end] >= '0' && body[end] <= '9' || end == 0 && body[end] == '-') {
		end++
	}
	if n, err := strconv.Atoi(body[:end]); err == nil {
		return strconv.Itoa(n)
	}
	return ""
}

func compareRows(r Request, old, new Response) Verdict {
	if old.Status >= 400 || !looksLikeRows(old.Body) {
		return afterFailure(r.Operation(), new)
	}
	was, is := rows(old.Body), rows(new.Body)
	reasons, explained := explain(r.Operation(), was, is)
	switch {
	case explained:
		return Verdict{Same: len(reasons) == 0, Reasons: reasons}
	case new.Code != "":
		return Verdict{Details: []string{fmt.Sprintf("old returns %d rows, new refuses with %s", len(was), new.Code)}}
	}
	if reason := otherRows(r); reason != "" {
		return Verdict{Reasons: []string{reason}}
	}
	if len(is) == 0 && r.coercedInAll(was) {
		return Verdict{Reasons: []string{coerced}}
	}
	return Verdict{Details: details(was, is)}
}

// otherRows is the reason why the two find different rows for a request, "" where
// there is none.
func otherRows(r Request) string {
	switch {
	case r.Operation() == "static":
		return ""
	case r.losesCondition():
		return unusableNames // the script ignored a condition
	case r.anyConditionContains(";"):
		return conditionSemi
	case r.anyConditionContains("^"):
		return conditionCaret
	}
	return ""
}

// A view is a way to look at rows that hides one known difference.
type view struct {
	reason  string
	look    func(was, is []row) ([]row, []row)
	applies func(operation string, was, is []row) bool // reports whether the difference is possible
}

// views are applied in this order.
var views = []view{
	{letters, byNumber, func(_ string, _, is []row) bool { return anyValue(is, beyondASCII) }},
	{arrays, withoutArrays, func(_ string, was, _ []row) bool { return anyValue(was, perlAddress.MatchString) }},
	{codedSemi, both(each(decodeCarets)), notOfFiles},
	{emptyItems, both(each(withoutEmpty)), notOfFiles},
	{spacesInList, both(each(trimItems)), notOfFiles},
	{rowOrder, both(func(rs []row) []row {
		rs = slices.Clone(rs)
		slices.SortFunc(rs, func(a, b row) int { return strings.Compare(a.key(), b.key()) })
		return rs
	}), notOfFiles},
}

// notOfFiles excludes the rows of static: their order counts, and they are not split.
func notOfFiles(operation string, _, _ []row) bool { return operation != "static" }

func both(look func([]row) []row) func(was, is []row) ([]row, []row) {
	return func(was, is []row) ([]row, []row) { return look(was), look(is) }
}

// explain finds the fewest known differences that explain all differences between
// rows.
func explain(operation string, was, is []row) (reasons []string, explained bool) {
	if slices.Equal(keys(was), keys(is)) {
		return nil, true
	}
	var possible []view
	for _, v := range views {
		if v.applies(operation, was, is) {
			possible = append(possible, v)
		}
	}
	for chosen := range 1 << len(possible) {
		a, b := was, is
		var used []string
		for i, v := range possible {
			if chosen&(1<<i) != 0 {
				a, b = v.look(a, b)
				used = append(used, v.reason)
			}
		}
		if slices.Equal(keys(a), keys(b)) && (!explained || len(used) < len(reasons)) {
			reasons, explained = used, true
		}
	}
	return reasons, explained
}

// each changes every column of every row.
func each(change func(values []string) []string) func([]row) []row {
	return func(rs []row) []row {
		changed := make([]row, len(rs))
		for i, r := range rs {
			changed[i] = row{}
			for name, values := range r {
				if values = change(values); len(values) > 0 {
					changed[i][name] = values
				}
			}
		}
		return changed
	}
}

// afterFailure explains the response of dbsep where the script failed: any
// response is better than an error text that Asterisk reads as a row.
func afterFailure(operation string, new Response) Verdict {
	switch {
	case operation == "static":
		return Verdict{Reasons: []string{staticFiles}}
	case new.Code == "":
		return Verdict{Reasons: []string{unusableNames}}
	}
	return Verdict{Reasons: []string{errorText}}
}

// decodeCarets undoes ^3B and ^5E, and joins the items that the script split a
// value into: what is left is the text.
func decodeCarets(values []string) []string {
	return strings.Split(strings.NewReplacer("^3B", ";", "^5E", "^").Replace(strings.Join(values, ";")), ";")
}

func withoutEmpty(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}

func trimItems(values []string) []string {
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Trim(v, " \t\r\n")
	}
	return trimmed
}

// details lists the differences by row and column, without any value.
func details(was, is []row) []string {
	if len(was) != len(is) {
		return []string{fmt.Sprintf("old has %d rows, new %d", len(was), len(is))}
	}
	var all []string
	for i := range was {
		for _, name := range union(was[i], is[i]) {
			a, b := was[i][name], is[i][name]
			if !slices.Equal(a, b) {
				all = append(all, fmt.Sprintf("row %d, column %s: old has %s, new %s", i+1, name, extent(a), extent(b)))
			}
		}
	}
	return all
}

func union(a, b row) []string {
	names := append(a.names(), b.names()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// extent describes values without showing them.
func extent(values []string) string {
	switch len(values) {
	case 0:
		return "nothing"
	case 1:
		return fmt.Sprintf("%d bytes", len(values[0]))
	}
	return fmt.Sprintf("%d items", len(values))
}

func shorten(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
