//go:build e2e

package native

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A column is one of the table's, with the values that requests have for it. Columns of
// texts have any.
type column struct {
	name string
	text bool
	fit  []string // values that the column can hold
	odd  []string // values that it cannot
}

var (
	integers  = strings.Fields("0 1 5 -3 007 +5 5060 2147483647 -2147483648")
	misfits   = strings.Fields("5.5 abc 5abc 1e3 0x10")
	decimals  = strings.Fields("0 1 0.5 .5 -2.25 1e2 1.2345 100000 123456.7 3.000")
	fragments = strings.Fields("a b é 漢 𝄞 ; ^ ^3B ^5E % _ \\ ' \" ` = & + , ? $1 :x -- # /* 0 7 null, @ < > ( ) [ ] { } ~ |")
)

// The name of no column ends with that of another one: that keeps the fields of an
// update2, which Asterisk's driver sends without separators.
var columns = []column{
	{name: "name", text: true},
	{name: "i", fit: integers, odd: misfits},
	{name: "n", fit: integers, odd: misfits},
	{name: "f", fit: decimals, odd: []string{"abc", "1.5x"}},
	{name: "d", fit: decimals, odd: []string{"abc", "1.5x"}},
	{name: "label", text: true},
	{name: "body", text: true},
	{name: "choice", text: true, fit: []string{"yes", "no"}, odd: []string{"maybe", "1"}},
	{name: "moment", fit: []string{"2026-01-02 03:04:05", "2024-02-29 12:00:00", "2026-01-02"}, odd: []string{"2026-02-30 00:00:00", "soon"}},
	{name: "day", fit: []string{"2026-01-02", "2024-02-29"}, odd: []string{"2026-02-30", "soon"}},
}

// A field is a column with a value, and in a condition an operator.
type field struct {
	column   column
	operator string
	value    string
}

// A request is a command of Asterisk's for some family.
type request struct {
	operation  string
	conditions []field
	values     []field
}

// reads reports whether a request changes nothing.
func (r request) reads() bool { return r.operation == "load" || r.operation == "multi" }

// words are the command for a family.
func (r request) words(family string) []string {
	words := []string{"realtime", r.operation, family}
	for _, f := range r.conditions {
		words = append(words, f.column.name+f.operator, f.value)
	}
	if r.operation == "update2" {
		words = append(words, "NULL")
	}
	for _, f := range r.values {
		words = append(words, f.column.name, f.value)
	}
	return words
}

// A generator makes requests.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from []T) T { return from[g.IntN(len(from))] }

// value is a value for a column: mostly one that it can hold.
func (g generator) value(c column) string {
	switch n := g.IntN(12); {
	case c.name == "name":
		return fmt.Sprintf("%s%d", pick(g, []string{"p", "P", "q", "é"}), g.IntN(12))
	case n == 0:
		return ""
	case c.fit != nil && n == 1:
		return pick(g, c.odd)
	case c.fit != nil:
		return pick(g, c.fit)
	}
	var text strings.Builder
	for range g.IntN(5) {
		text.WriteString(pick(g, fragments))
		if g.IntN(6) == 0 {
			text.WriteString(" ")
		}
	}
	return text.String()
}

var operators = []string{" =", " !=", " <>", " <", " <=", " >", " >=", " LIKE", " like", " NOT LIKE"}

// condition is one with an operator, or one of equality.
func (g generator) condition() field {
	f := g.equality()
	if g.IntN(3) == 0 {
		return f
	}
	f.operator = pick(g, operators)
	if isPattern(f) && g.IntN(3) > 0 {
		f.value = pick(g, []string{"%", "_", `\_`, `\%`, `%\_`, "p", ""}) + f.value + "%"
	}
	return f
}

func isPattern(f field) bool { return strings.HasSuffix(strings.ToUpper(f.operator), "LIKE") }

func (g generator) equality() field {
	c := pick(g, columns)
	return field{column: c, value: g.value(c)}
}

// key is the condition that finds one row at most.
func (g generator) key() field { return field{column: columns[0], value: g.value(columns[0])} }

// values are n different columns with values.
func (g generator) values(n int) (fields []field) {
	for _, i := range g.Perm(len(columns) - 1)[:n] {
		c := columns[i+1]
		fields = append(fields, field{column: c, value: g.value(c)})
	}
	return fields
}

// examples are requests for differences that those at random seldom meet.
var examples = []request{
	{operation: "store", conditions: []field{{column: columns[0], value: "q20"}}, values: []field{{column: columns[labels], value: "_7"}}},
	{operation: "load", conditions: []field{{column: columns[labels], operator: " like", value: `\_%`}}},
	{operation: "update2", conditions: []field{{column: columns[0], value: "q20"}, {column: columns[labels], value: "_7"}}, values: []field{{column: columns[labels], value: "^"}}},
	{operation: "update", conditions: []field{{column: columns[labels], value: "(1,a"}}, values: []field{{column: columns[labels], value: "b"}}},
}

// labels is the position of a column of texts.
const labels = 5

func (g generator) request() request {
	switch n := g.IntN(20); {
	case n < 6:
		return request{operation: "load", conditions: []field{g.condition()}}
	case n < 10:
		r := request{operation: "multi"}
		for range 1 + g.IntN(2) {
			r.conditions = append(r.conditions, g.condition())
		}
		return r
	case n < 13:
		r := request{operation: "update", conditions: []field{g.key()}, values: g.values(1)}
		if g.IntN(3) == 0 {
			r.conditions[0] = g.equality()
		}
		if g.IntN(20) == 0 {
			r.conditions[0] = g.condition()
		}
		return r
	case n < 15:
		return request{operation: "update2", conditions: append([]field{g.key()}, g.values(1)...), values: g.values(1 + g.IntN(2))}
	case n < 18:
		return request{operation: "store", values: slices.Concat([]field{g.key()}, g.values(g.IntN(5)))}
	}
	r := request{operation: "destroy", conditions: []field{g.key()}}
	switch g.IntN(4) {
	case 0:
		r.conditions = append(r.conditions, g.values(1)...)
	case 1:
		r.conditions[0] = g.equality()
	}
	return r
}
