package postgres

import (
	"database/sql/driver"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"dbsep/internal/database"
)

// writers are the connections to the servers of the DSN. The driver chooses
// between several of them, as libpq does.
func (m dsnOptions) writers(o *database.OpenContext, config *pgx.ConnConfig) *database.PoolConfig {
	hosts := strings.Count(m["host"], ",") + 1
	made := o.ServerPool(&database.Connector{
		Connector: connector(o, config),
		Timeout:   time.Duration(hosts) * config.ConnectTimeout,
	})
	made.SeveralHosts = hosts > 1
	return made
}

// readers are the connections to the servers of read_replicas, and to the others
// where none of them is available; nil where there is no read_replicas. given are the
// options before they were completed for the writers.
func (m dsnOptions) readers(o *database.OpenContext, given dsnOptions, writers *database.PoolConfig) (*database.PoolConfig, string) {
	named := o.Replicas()
	if len(named) == 0 {
		return nil, ""
	}
	servers, places := &database.Failover{Shuffle: true, Fallback: writers.Connector}, make([]string, 0, len(named))
	port, _, _ := strings.Cut(given["port"], ",")
	for _, a := range named {
		own := maps.Clone(given)
		own["host"], own["port"] = a.Host, port
		if a.Port != "" {
			own["port"] = a.Port
		}
		delete(own, "hostaddr")
		delete(own, "target_session_attrs")
		once := *o // what is to be said has been said of the writers
		once.Diagnostics = new(database.Diagnostics)
		config := own.config(&once)
		if config == nil || once.Failed() {
			o.Refuse("read_replicas", "names a host with which the options of dsn cannot be used", "compare it with the manual")
			return nil, ""
		}
		servers.Servers = append(servers.Servers, &database.Connector{Connector: connector(o, config), Timeout: config.ConnectTimeout})
		place, _, _ := strings.Cut(own.address(), "/"+own["dbname"])
		places = append(places, place)
	}
	return o.FailoverPool(servers), ", reads from " + strings.Join(places, ",")
}

func connector(o *database.OpenContext, config *pgx.ConnConfig) driver.Connector {
	c := sessionConnector{Connector: stdlib.GetConnector(*config), prepares: new(atomic.Bool), timeout: config.ConnectTimeout}
	c.prepares.Store(o.ServerPrepare && !o.Once) // a single request would pay for it and have nothing of it
	return c
}
