// Package all adds every database to the program that imports it.
package all

import (
	_ "dbsep/internal/database/mysql"
	_ "dbsep/internal/database/odbc"
	_ "dbsep/internal/database/postgres"
	_ "dbsep/internal/database/sqlite"
)
