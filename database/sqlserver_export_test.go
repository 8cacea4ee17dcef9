package database

import (
	"database/sql/driver"
	"time"
)

// SQLServerArgument is what an argument becomes on its way to the server.
var SQLServerArgument = sqlserverArgument

// NewSQLServerOn makes a database of SQL Server's kind whose connections are
// those of a connector instead of the driver's.
func NewSQLServerOn(connector driver.Connector) *DB {
	c := &connections{connecting: &connecting{Connector: connector, timeout: time.Minute}, most: serverConnections}
	pool := newPool(c, defaultConnectionWait)
	return &DB{kind: sqlserver, address: "stand-in", scope: []any{""}, writes: pool, reads: pool, described: newMemory()}
}
