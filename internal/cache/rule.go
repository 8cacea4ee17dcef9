package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
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

// A digest stands for a text of any length.
type digest [16]byte

func digestOf(text []byte) digest {
	sum := sha256.Sum256(text)
	return digest(sum[:len(digest{})])
}

// queryKey is the key of the rows of a statement.
func queryKey(scope string, s sqlgen.Statement) digest {
	var buffer [512]byte
	sql := sqlDigest(s.SQL)
	text := append(buffer[:0], sql[:]...)
	part := func(kind byte, part string) {
		text = append(binary.AppendUvarint(append(text, kind), uint64(len(part))), part...)
	}
	part('s', scope)
	for _, a := range s.Args {
		switch a := a.(type) {
		case string:
			part('s', a)
		case []byte:
			part('b', string(a))
		default:
			part('n', "")
		}
	}
	return digestOf(text)
}

// sqlDigests has the digests of SQL texts. A PBX sends the same few queries all day, whose
// texts are long.
var sqlDigests atomic.Pointer[map[string]digest]

const maxSQLDigests = 1000

func sqlDigest(text string) digest {
	var known map[string]digest
	if p := sqlDigests.Load(); p != nil {
		known = *p
	}
	d, ok := known[text]
	if !ok {
		d = digestOf([]byte(text))
		if len(known) < maxSQLDigests {
			more := map[string]digest{text: d}
			maps.Copy(more, known)
			sqlDigests.Store(&more)
		}
	}
	return d
}
