//go:build !odbc

package odbc

import (
	"fmt"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

func init() { database.Register(odbc) }

// odbc opens data sources of ODBC whose database has a driver of its own. In this
// build there is nothing that could load a driver of ODBC.
var odbc = &database.Driver{
	DBINames: []string{"ODBC"},
	Open: func(o *database.OpenContext) database.Pools {
		s := dsn.FromODBC(o.DSN, o.User, o.Password, o.Environ, o.Diagnostics)
		if s.Native == nil && !o.Failed() {
			o.Refuse("dsn", fmt.Sprintf("leads to the ODBC driver %s, which this build cannot load", s.Driver),
				"install the Debian package of dbsep, or build with -tags odbc; or write a DSN of the database itself, such as DBI:mysql:... or DBI:Pg:...")
		}
		return database.Pools{OpenAs: s.Native}
	},
}
