package inspect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dbsep/internal/asterisk"
	"dbsep/internal/schema"
	"dbsep/sqlgen"
)

// severalLacks is from how many of them on those of a table are one finding.
const severalLacks = 4

// findRelease finds the release of a version that the tables are compared with, and says so.
func (s *site) findRelease(version string, d *Database) []Finding {
	if !schema.Knows(s.DB) {
		d.NotChecked = "types, keys and indexes, and what the Perl script damaged: nothing is known of the database behind the driver"
	}
	if version == "" {
		return nil
	}
	r, note, err := asterisk.FindRelease(version)
	if err != nil {
		f := warning("--asterisk: "+err.Error(), "")
		f.Level = Error
		return []Finding{f}
	}
	s.asterisk = &r
	s.tables, _ = asterisk.Tables(r) // all groups exist
	d.Asterisk = "compared with the tables of " + r.String()
	if note != "" {
		d.Asterisk += ": " + note
	}
	return nil
}

// isCompared reports whether a table is compared with that of a version, in all that makes
// a table.
func (s site) isCompared(t *sqlgen.Table) bool {
	return schema.Knows(s.DB) && slices.ContainsFunc(s.tables, func(k *asterisk.Table) bool { return k.Name == t.Name })
}

// compareWith reports what the tables lack of those of a version of Asterisk.
func (s site) compareWith(ctx context.Context, r asterisk.Release) (found []Finding, err error) {
	plan, err := schema.Compare(ctx, s.DB, s.Config.Schema, s.tables)
	if err != nil {
		return nil, err
	}
	byTable := map[string][]schema.Lack{}
	for _, l := range plan.Lacks() {
		byTable[l.Table] = append(byTable[l.Table], l)
	}
	for _, t := range s.tables {
		lacks := byTable[t.Name]
		if len(lacks) < severalLacks {
			for _, l := range lacks {
				found = append(found, ofTable(t.Name, l.Reason, "", l.SQL))
			}
			continue
		}
		found = append(found, ofTable(t.Name, fmt.Sprintf("%s; and %d more differences from Asterisk %s", lacks[0].Reason, len(lacks)-1, r),
			fmt.Sprintf("dbsep schema diff --asterisk %s shows them, and dbsep schema upgrade adds what is missing", r), ""))
	}
	return found, nil
}

// suited says which versions of Asterisk can store their rows, where they store all of
// their columns, and what the newest of the others stores, too. Empty if no table is so.
func suited(described []*sqlgen.Table) (versions string, found []Finding) {
	stored := slices.DeleteFunc(slices.Clone(described), func(t *sqlgen.Table) bool { return !slices.Contains(asterisk.StoredInFull, t.Name) })
	if len(stored) == 0 {
		return "", nil
	}
	var suited, missing []string
	var other asterisk.Release
	for _, r := range asterisk.Releases() {
		known, _ := asterisk.Tables(r) // all groups exist
		if lacks := missingColumns(known, stored...); len(lacks) == 0 {
			suited = append(suited, r.String())
		} else {
			other, missing = r, lacks
		}
	}
	switch {
	case suited == nil:
		return "", []Finding{warning("no phone can register: every version of Asterisk stores columns that are missing, such as "+missing[0], "dbsep schema upgrade adds them")}
	case missing == nil:
		return "every version can store its contacts", nil
	}
	return fmt.Sprintf("%s can store their contacts; %s stores %s, too", strings.Join(suited, ", "), other, strings.Join(missing, ", ")), nil
}

// missingColumns names the columns of known tables that tables of the same name lack.
func missingColumns(known []*asterisk.Table, tables ...*sqlgen.Table) (missing []string) {
	for _, t := range tables {
		for _, k := range known {
			for _, c := range k.Columns {
				if k.Name == t.Name && t.Column(c.Name) == nil {
					missing = append(missing, t.Name+"."+c.Name)
				}
			}
		}
	}
	return missing
}
