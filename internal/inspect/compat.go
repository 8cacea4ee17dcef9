package inspect

import (
	"context"
	"fmt"
	"slices"

	"dbsep/gateway"
	"dbsep/internal/config"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// compatSettings are the lines of the sections [compat PATTERN].
func compatSettings(c *config.Config) []Setting {
	var all []Setting
	for _, t := range c.TableCompat {
		for _, set := range config.Settings() {
			if line := t.Line(set.Key); line > 0 {
				all = append(all, Setting{"compat " + t.Pattern, set.Key, t.Text(set.Key), line, firstSentence(set.PlainDoc()), ""})
			}
		}
	}
	return all
}

// compatOfNothing finds sections [compat PATTERN] for no table: the name may be
// misspelt.
func compatOfNothing(c *config.Config, tables []*sqlgen.Table) (found []Finding) {
	for _, compat := range c.TableCompat {
		if !slices.ContainsFunc(tables, func(t *sqlgen.Table) bool { return gateway.Fits(t.Name, compat.Pattern) }) {
			found = append(found, ofFile(c.File, 0, "", fmt.Sprintf("[compat %s]: no table is called that", compat.Pattern), "correct the name, or remove the section"))
		}
	}
	return found
}

// missingOrder reports that a table does not have the column by which its rows should be
// ordered.
func (s site) missingOrder(_ context.Context, t *sqlgen.Table) ([]Finding, error) {
	compat := setup.CompatOf(s.Config, t.Name)
	o := setup.TableOptions(compat.Compat)
	if o.Unordered || o.OrderBy == "" || t.Column(o.OrderBy) != nil || !slices.Contains(operationsOf(s.DB.Dialect(), t), "multi") {
		return nil, nil
	}
	section := "compat"
	if compat.Pattern != "" {
		section += " " + compat.Pattern
	}
	return []Finding{ofTable(t.Name, fmt.Sprintf("it does not have the column %s, by which [%s] orders its rows, so they are ordered by the first condition", o.OrderBy, section),
		"correct order=, or add the column", "")}, nil
}
