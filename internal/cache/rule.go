package cache

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"dbsep/gateway"
	"dbsep/internal/asterisk"
	"dbsep/sqlgen"
)

// A Rule says for which tables copies are kept, and for how long.
type Rule struct {
	Pattern string // lower case; * stands for any text
	Age     time.Duration
}

// rules find the rule for a table. They remember what they found: there are as
// many tables as the schema has.
type rules struct {
	all   []Rule
	found sync.Map // table → *Rule, nil for none
}

func newRules(all []Rule) *rules { return &rules{all: all} }

func (rs *rules) find(table string) (Rule, bool) {
	found, known := rs.found.Load(table)
	if !known {
		found, _ = rs.found.LoadOrStore(table, rs.look(table))
	}
	if r := found.(*Rule); r != nil {
		return *r, true
	}
	return Rule{}, false
}

// look finds the longest pattern that fits a table. One with a * does not mean the
// tables that Asterisk writes.
func (rs *rules) look(table string) (found *Rule) {
	for i, r := range rs.all {
		if strings.Contains(r.Pattern, "*") && asterisk.Writes(table) || !gateway.Fits(table, r.Pattern) {
			continue
		}
		if found == nil || gateway.Weight(r.Pattern) > gateway.Weight(found.Pattern) {
			found = &rs.all[i]
		}
	}
	return found
}

// question is a statement as the key of its answer.
func question(scope string, s sqlgen.Statement) string {
	var b strings.Builder
	part := func(text string) {
		b.WriteString(strconv.Itoa(len(text)))
		b.WriteByte(' ')
		b.WriteString(text)
	}
	part(scope)
	part(s.SQL)
	for _, a := range s.Args {
		switch a := a.(type) {
		case string:
			part(a)
		case []byte:
			b.WriteByte('b')
			part(string(a))
		default:
			b.WriteByte('n')
		}
	}
	return b.String()
}
