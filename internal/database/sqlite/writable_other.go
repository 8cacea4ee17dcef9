//go:build !linux

package sqlite

import "dbsep/sqlgen"

// checkWritable knows nothing here.
func checkWritable(string) *sqlgen.Fault { return nil }
