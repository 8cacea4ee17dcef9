package inspect

import (
	"context"
	"errors"
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
	keyless, err := s.readKeyless(ctx, check.Cluster, d)
	fault, _ := errors.AsType[*sqlgen.Fault](err)
	switch {
	case err == nil:
	case fault.Cause == sqlgen.Unavailable || fault.Cause == sqlgen.Canceled:
		return nil, err
	default: // such as a proxy that does not pass everything on
		d.NotChecked = "the keys that a cluster needs: " + withCause(fault)
		return nil, nil
	}
	for _, t := range described {
		if slices.Contains(keyless, t.Name) {
			found = append(found, ofTable(t.Name, fmt.Sprintf("it has no primary key, and %s needs one to change the same rows on each node", d.Cluster),
				"add one: on the columns that identify a row, or on a new AUTO_INCREMENT column", ""))
		}
	}
	return found, nil
}

// readKeyless reads the names of the tables without a key, where the server is a node of a
// cluster.
func (s site) readKeyless(ctx context.Context, check *sqlgen.ClusterCheck, d *Database) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Config.Limits.Statement)
	defer cancel()
	rows, err := s.DB.ReadRows(ctx, check.Settings)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for _, row := range rows {
		settings[row[0]] = row[1]
	}
	if d.Cluster = check.Name(settings); d.Cluster == "" {
		return nil, nil
	}
	return s.texts(ctx, check.Keyless)
}
