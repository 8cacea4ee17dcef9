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

// isCompared reports whether a table is compared with that of a version.
func (s site) isCompared(t *sqlgen.Table) bool {
	if s.asterisk == nil {
		return false
	}
	known, err := asterisk.Tables(*s.asterisk)
	return err == nil && slices.ContainsFunc(known, func(k *asterisk.Table) bool { return k.Name == t.Name })
}

// compareWith reports what the tables lack of those of a version of Asterisk.
func (s site) compareWith(ctx context.Context, r asterisk.Release) (found []Finding, err error) {
	tables, err := asterisk.Tables(r)
	if err != nil {
		return nil, err
	}
	plan, err := schema.Compare(ctx, s.DB, s.Config.Schema, tables)
	if err != nil {
		return nil, err
	}
	byTable := map[string][]schema.Lack{}
	for _, l := range plan.Lacks() {
		byTable[l.Table] = append(byTable[l.Table], l)
	}
	for _, t := range tables {
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
		if lacks := missingColumns(stored, r); len(lacks) == 0 {
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

// missingColumns names the columns of a version that tables lack.
func missingColumns(tables []*sqlgen.Table, r asterisk.Release) (missing []string) {
	known, err := asterisk.Tables(r)
	if err != nil {
		return nil
	}
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
