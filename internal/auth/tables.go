package auth

import (
	"net/netip"
	"slices"

	"dbsep/gateway"
)

// A Ruling gives rights to tables, to everybody or to some clients instead.
type Ruling struct {
	Kind   string // "" for everybody, or "user", "certificate", "network"
	Name   string // of the user, the certificate or the network
	Rights []Right
}

// A Right is what may be done with the tables that a pattern names.
type Right struct {
	Pattern string // lower case; * stands for any text
	gateway.Rights
}

// rulings finds the rights of a client. It has them in one way for each request
// to be quick.
type rulings struct {
	everybody   *ruling // nil: every right
	user        map[string]*ruling
	certificate map[string]*ruling
	network     []networkRuling // the narrowest first
}

type networkRuling struct {
	netip.Prefix
	*ruling
}

// A ruling is its rights, those first that win where several fit.
type ruling []Right

func newRulings(all []Ruling) *rulings {
	rs := &rulings{user: map[string]*ruling{}, certificate: map[string]*ruling{}}
	for _, one := range all {
		r := ruling(slices.Clone(one.Rights))
		slices.SortStableFunc(r, func(a, b Right) int { return gateway.Weight(b.Pattern) - gateway.Weight(a.Pattern) })
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

// client is an identity with its rights.
func (rs *rulings) client(who identity) gateway.Client {
	c := gateway.Client{Name: who.name()}
	if r := rs.find(who); r != nil {
		c.Rights = r.rights
	}
	return c
}

// find returns the one ruling that counts for an identity: its user's, else its
// certificate's, else its network's, else everybody's; nil for every right.
func (rs *rulings) find(who identity) *ruling {
	if r := rs.user[who.user]; r != nil && who.user != "" {
		return r
	}
	for _, name := range who.certificate {
		if r := rs.certificate[name]; r != nil {
			return r
		}
	}
	for _, n := range rs.network {
		if n.Contains(who.address) {
			return n.ruling
		}
	}
	return rs.everybody
}

// rights finds the first right whose pattern a table's name fits.
func (r *ruling) rights(table string) *gateway.Rights {
	for i := range *r {
		if gateway.Fits(table, (*r)[i].Pattern) {
			return &(*r)[i].Rights
		}
	}
	return nil
}
