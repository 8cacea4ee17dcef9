//go:build !odbc

package database

import "fmt"

func init() { register(odbc) }

// odbc stands for the kinds that speak to the databases of ODBC's drivers. In
// this build there is nothing that could load such a driver.
var odbc = &kind{
	name:    "ODBC",
	drivers: []string{odbcDriver},
	resolve: func(o *opening) string {
		driver, s := nativeODBC(o)
		if driver == "" && len(o.problems) == 0 {
			o.refuse("dsn", fmt.Sprintf("leads to the ODBC driver %s, which this dbsep cannot load", s.driverName()),
				"build dbsep with -tags odbc and the package unixodbc-dev, or write a DSN of the database itself, such as DBI:mysql:... or DBI:Pg:...")
		}
		return driver
	},
}
