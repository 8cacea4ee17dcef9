package database

import (
	"database/sql"
	"database/sql/driver"
	"time"
)

// SQLServerArgument is what an argument becomes on its way to the server.
var SQLServerArgument = sqlserverArgument

// NewSQLServerOn makes a database of SQL Server's kind whose connections are
// those of a connector instead of the driver's.
func NewSQLServerOn(connector driver.Connector) *DB {
	db := sql.OpenDB(connecting{Connector: connector, timeout: time.Minute})
	db.SetMaxOpenConns(sqlserverConnections)
	pool := newPool(db, defaultConnectionWait)
	return &DB{kind: sqlserver, address: "stand-in", scope: []any{""}, writes: pool, reads: pool, described: newMemory()}
}
