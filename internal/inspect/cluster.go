package inspect

import (
	"context"
	"fmt"
	"slices"

	"dbsep/sqlgen"
)

// keylessTables finds tables that the other nodes of a cluster cannot follow.
func (s site) keylessTables(ctx context.Context, described []*sqlgen.Table, d *Database) (found []Finding, err error) {
	check := s.DB.Dialect().Check
	if check == nil || check.Cluster == nil {
		return nil, nil
	}
	rows, err := s.DB.ReadRows(ctx, check.Cluster.Settings)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for _, row := range rows {
		settings[row[0]] = row[1]
	}
	if d.Cluster = check.Cluster.Name(settings); d.Cluster == "" {
		return nil, nil
	}
	keyless, err := s.texts(ctx, check.Cluster.Keyless)
	if err != nil {
		return nil, err
	}
	for _, t := range described {
		if slices.Contains(keyless, t.Name) {
			found = append(found, ofTable(t.Name, fmt.Sprintf("it has no primary key, and %s needs one to change the same rows on each node", d.Cluster),
				"give it one: of the columns that tell its rows apart, or of a new column that is counted", ""))
		}
	}
	return found, nil
}
