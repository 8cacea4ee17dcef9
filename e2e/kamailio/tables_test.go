//go:build e2e

package kamailio

import (
	"fmt"
	"strings"
	"testing"

	"dbsep/internal/mariadbtest"
)

// Destinations of Kamailio's module dispatcher: one that Kamailio's own tools wrote, and one
// that dbsep stores.
const (
	ownDestination    = "sip:127.0.0.1:5070;transport=udp;x=^3B"
	storedDestination = "sip:127.0.0.1:5090;transport=udp;y=^"
)

// makeDispatcher makes the table of the module dispatcher in the second gateway's database.
// It returns the database's URL for Kamailio, which is empty for a file: it is outside of
// Kamailio's root.
func (p *proxy) makeDispatcher(t *testing.T) (url string) {
	t.Helper()
	for _, statement := range []string{
		"CREATE TABLE version (table_name VARCHAR(32) PRIMARY KEY, table_version INT NOT NULL)",
		"INSERT INTO version VALUES ('dispatcher', 4)",
		"CREATE TABLE dispatcher (id INTEGER PRIMARY KEY AUTO_INCREMENT, setid INT NOT NULL DEFAULT 0, destination VARCHAR(192) NOT NULL DEFAULT '', " +
			"flags INT NOT NULL DEFAULT 0, priority INT NOT NULL DEFAULT 0, attrs VARCHAR(128) NOT NULL DEFAULT '', description VARCHAR(64) NOT NULL DEFAULT '')",
		"INSERT INTO dispatcher (setid, destination) VALUES (1, '" + ownDestination + "')",
	} {
		if p.second.Kind == "SQLite" {
			statement = strings.Replace(statement, " AUTO_INCREMENT", "", 1)
		}
		_, err := p.second.DB.ExecContext(t.Context(), statement)
		check(t, err)
	}
	if p.second.Kind == "SQLite" {
		return ""
	}
	var database string
	check(t, p.second.DB.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&database))
	server := mariadbtest.Start(t)
	server.Exec(t, "CREATE USER kamailio IDENTIFIED BY 'kamailio'", "GRANT SELECT ON `"+database+"`.* TO kamailio")
	t.Cleanup(func() { server.Exec(t, "DROP USER kamailio") })
	return fmt.Sprintf("mysql://kamailio:kamailio@%s:%d/%s", server.Host, server.Port, database)
}

// testOwnTable stores a destination through dbsep, which Kamailio then reads from its
// table, and finds one that others wrote.
func (p *proxy) testOwnTable(t *testing.T) {
	p.ask(t, "found", "alice", "example.org", "Call-ID: found", "X-Value: "+ownDestination).want(t, "200", ownDestination)
	p.ask(t, "stored", "alice", "example.org", "Call-ID: stored", "X-Value: "+storedDestination).want(t, "200", "")
	p.ask(t, "found", "alice", "example.org", "Call-ID: again", "X-Value: "+storedDestination).want(t, "200", storedDestination)
	var stored string
	check(t, p.second.DB.QueryRowContext(t.Context(), "SELECT destination FROM dispatcher WHERE setid = 2").Scan(&stored))
	if stored != storedDestination {
		t.Errorf("it is stored as %q", stored)
	}
	if p.second.Kind == "MariaDB" {
		p.ask(t, "dispatched", "alice", "example.org").want(t, "1", storedDestination)
	}
}
