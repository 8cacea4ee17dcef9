package auth

import (
	"net/netip"
	"slices"
	"strings"

	"dbsep/gateway"
)

// A Ruling is a section [tables]: the rights of all clients, or of one client that
// they replace.
type Ruling struct {
	Kind   string // "" for all clients, or "user", "certificate", "network"
	Name   string // of the user, the certificate or the network
	Rights []Right
}

// section is the name of the section in dbsep.conf.
func (r Ruling) section() string {
	if r.Kind == "" {
		return "[tables]"
	}
	return "[tables " + r.Kind + ":" + r.Name + "]"
}

// A Right is what a client may do with the tables that match a pattern.
type Right struct {
	Pattern     string // lower case; * matches any text
	Read, Write bool

	// Columns are those that the client may use, without regard to case. None:
	// all columns.
	Columns []string
}

var _ gateway.Rights = (*Right)(nil)

// CanRead reports whether the client may read rows.
func (r *Right) CanRead() bool { return r.Read }

// CanWrite reports whether the client may change rows.
func (r *Right) CanWrite() bool { return r.Write }

// AllColumns reports whether the client may use every column.
func (r *Right) AllColumns() bool { return len(r.Columns) == 0 }

// CanUse reports whether the client may use a column.
func (r *Right) CanUse(column string) bool {
	return r.AllColumns() || slices.ContainsFunc(r.Columns, func(name string) bool { return strings.EqualFold(name, column) })
}

// rulings finds the rights of a client.
type rulings struct {
	everybody   *ruling // nil: every right
	user        map[string]*ruling
	certificate map[string]*ruling
	network     []networkRuling // the longest prefix first
}

type networkRuling struct {
	netip.Prefix
	*ruling
}

// A ruling is a list of rights. The first one that matches a table applies.
type ruling struct {
	section string // that it is from
	list    []Right
}

func newRulings(all []Ruling) *rulings {
	rs := &rulings{user: map[string]*ruling{}, certificate: map[string]*ruling{}}
	for _, one := range all {
		r := ruling{one.section(), slices.Clone(one.Rights)}
		slices.SortStableFunc(r.list, func(a, b Right) int { return gateway.Weight(b.Pattern) - gateway.Weight(a.Pattern) })
		switch one.Kind {
		case "user":
			rs.user[one.Name] = &r
		case "certificate":
			rs.certificate[one.Name] = &r
		case "network":
			if n, err := netip.ParsePrefix(one.Name); err == nil {
				rs.network = append(rs.network, networkRuling{n, &r})
			}
		default:
			rs.everybody = &r
		}
	}
	slices.SortStableFunc(rs.network, func(a, b networkRuling) int { return b.Bits() - a.Bits() })
	return rs
}

// client returns the client with an identity, and its rights.
func (rs *rulings) client(id identity) gateway.Client {
	c := gateway.Client{Name: id.name()}
	if r := rs.find(id); r != nil {
		c.Rights = r.rights
	}
	return c
}

// find returns the one ruling that applies to an identity: its user's, else its
// certificate's, else its network's, else everybody's; nil for every right.
func (rs *rulings) find(id identity) *ruling {
	if r := rs.user[id.user]; r != nil && id.user != "" {
		return r
	}
	for _, name := range id.certificate {
		if r := rs.certificate[name]; r != nil {
			return r
		}
	}
	for _, n := range rs.network {
		if n.Contains(id.address) {
			return n.ruling
		}
	}
	return rs.everybody
}

// rights returns the first right whose pattern matches a table, nil where none
// does.
func (r *ruling) rights(table string) gateway.Rights {
	for i := range r.list {
		if gateway.Fits(table, r.list[i].Pattern) {
			return &r.list[i]
		}
	}
	return nil
}
