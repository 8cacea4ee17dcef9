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

// A Rule says which tables are cached, and for how long. It is a line of [cache] or
// [lastgood].
type Rule struct {
	Pattern string // lower case; * matches any text
	Age     time.Duration
}

// rules find the rule for a table. They cache the result for each table of the
// schema.
type rules struct {
	all   []Rule
	found sync.Map // table → *Rule, nil without one
}

func newRules(all []Rule) *rules { return &rules{all: all} }

func (rs *rules) find(table string) (Rule, bool) {
	found, known := rs.found.Load(table)
	if !known {
		found, _ = rs.found.LoadOrStore(table, rs.match(table))
	}
	if r := found.(*Rule); r != nil {
		return *r, true
	}
	return Rule{}, false
}

// match finds the longest pattern that matches a table. A pattern with * does not
// match the tables that Asterisk writes.
func (rs *rules) match(table string) (found *Rule) {
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

// cacheKey is the key of a statement's rows.
func cacheKey(scope string, s sqlgen.Statement) string {
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
