package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

// writers are the connections to the servers of the DSN, of which the first that
// takes writes serves, and where they are.
func (m dsnOptions) writers(o *database.OpenContext) (*database.PoolConfig, string) {
	hosts, ports := strings.Split(m["host"], ","), strings.Split(m["port"], ",")
	if len(ports) > 1 && len(ports) != len(hosts) {
		o.Refuse("dsn", "has more or fewer ports than hosts", "give one port for all hosts, or one for each")
		return nil, ""
	}
	servers, places := &database.Failover{}, make([]string, 0, len(hosts))
	for i, host := range hosts {
		if host == "" && len(hosts) > 1 {
			o.Refuse("dsn", "has a list of hosts with an empty one", "write host=db1,db2")
		}
		s, place := m.server(o, database.HostPort{Host: host, Port: ports[min(i, len(ports)-1)]}, len(hosts) > 1)
		if o.Failed() {
			return nil, "" // of the other hosts it would be the same
		}
		servers.Servers = append(servers.Servers, s)
		places = append(places, place)
	}
	where := strings.Join(places, ",") + "/" + m["database"]
	if len(servers.Servers) > 1 {
		return o.FailoverPool(servers), where
	}
	return o.ServerPool(servers.Servers[0]), where
}

// readers are the connections to the servers of read_replicas, and to the others
// where none of them is available; nil where there is no read_replicas. A database of
// mistakes has none.
func (m dsnOptions) readers(o *database.OpenContext, writers *database.PoolConfig) (*database.PoolConfig, string) {
	named := o.Replicas()
	if len(named) == 0 || o.Failed() {
		return nil, ""
	}
	servers, places := &database.Failover{Shuffle: true, Fallback: writers.Connector}, make([]string, 0, len(named))
	port, _, _ := strings.Cut(m["port"], ",")
	for _, a := range named {
		if a.Port == "" && a.Host != "localhost" {
			a.Port = port
		}
		s, place := m.server(o, a, false)
		if o.Failed() {
			return nil, ""
		}
		s.Connector = node{Connector: s.Connector, reads: true}
		servers.Servers = append(servers.Servers, s)
		places = append(places, place)
	}
	return o.FailoverPool(servers), ", reads from " + strings.Join(places, ",")
}

// server makes the connections to one server. One of several is looked at before
// it is used.
func (m dsnOptions) server(o *database.OpenContext, a database.HostPort, several bool) (*database.Connector, string) {
	own := maps.Clone(m)
	own["host"], own["port"] = a.Host, a.Port
	config := own.config(o)
	if o.Failed() {
		return nil, ""
	}
	config.DialFunc = dial
	connector, err := mysql.NewConnector(config)
	config.DBName = "" // which a killer does not need
	killing, err2 := mysql.NewConnector(config)
	if err != nil || err2 != nil {
		o.Refuse("dsn", "cannot be used by the driver", "compare it with the manual")
		return nil, ""
	}
	place := config.Addr
	if config.Net == "unix" {
		place = "unix(" + place + ")"
	}
	connector = sessionConnector{connector, m["init_command"], newKiller(killing, config.Timeout, o.Once), o.MaxRowBytes}
	if several {
		connector = node{Connector: connector}
	}
	return &database.Connector{Connector: connector, Timeout: config.Timeout}, place
}

// account is the one that logs in.
func (m dsnOptions) account() string {
	if m["user"] == "" {
		return dsn.LoginName()
	}
	return m["user"]
}

// A node is one of several servers. One that its cluster has left behind
// counts as away; one that takes no writes is a standby, unless it is for reads.
type node struct {
	driver.Connector
	reads bool
}

// roleSQL is not an error where the server does not have one of the variables.
// wsrep_ready is OFF without a cluster, too: wsrep_on shows whether there is one.
const roleSQL = `
	SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', 'innodb_read_only', 'wsrep_on')`

func (n node) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := n.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	writes, err := takesWrites(ctx, conn)
	switch {
	case err != nil:
		conn.Close()
		return nil, err
	case writes || n.reads:
		return conn, nil
	}
	return database.Standby{Conn: conn}, nil
}

// errNotReady is that of a node outside its cluster.
var errNotReady = &mysql.MySQLError{Number: numberNotReady, Message: "the node is not ready"}

// takesWrites reports whether a server takes writes. The error is that of a server
// that takes nothing.
func takesWrites(ctx context.Context, conn driver.Conn) (writes bool, err error) {
	settings, err := showRows(ctx, conn, roleSQL)
	if err != nil {
		return false, err
	}
	if isSet(settings["wsrep_on"]) {
		state, err := showRows(ctx, conn, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'")
		if err != nil {
			return false, err
		}
		if !isSet(state["wsrep_ready"]) {
			return false, errNotReady
		}
	}
	return !isSet(settings["read_only"]) && !isSet(settings["super_read_only"]) && !isSet(settings["innodb_read_only"]), nil
}

// isSet reads a setting. Later servers have more words than ON.
func isSet(value string) bool { return value != "" && value != "OFF" && value != "0" }

// showRows reads the rows of a SHOW statement: names and values.
func showRows(ctx context.Context, conn driver.Conn, text string) (map[string]string, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	values := make(map[string]string)
	row := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(row)
		switch {
		case errors.Is(err, io.EOF):
			return values, nil
		case err != nil:
			return nil, err
		}
		texts := [2]string{}
		for i, v := range row[:min(2, len(row))] {
			if b, ok := v.([]byte); ok {
				texts[i] = string(b)
			} else {
				texts[i] = fmt.Sprint(v)
			}
		}
		values[strings.ToLower(texts[0])] = texts[1]
	}
}
