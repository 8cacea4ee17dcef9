package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// neededSettings are the settings of a session that requests rely on, each with the
// value that it needs. An account or a database may have others: a time limit would
// cut long responses, which dbsep limits by itself, and a transaction that is to be
// serializable fails where another one only reads. default_transaction_read_only is
// respected: it keeps writes from a server that is not to have any.
var neededSettings = [...]struct{ name, needed string }{
	{"default_transaction_isolation", "read committed"},
	{"statement_timeout", "0"},
}

// serverPID is the key in the data of a connection of the number of the process that serves
// it. A pooler tells its clients other ones.
const serverPID = "server process"

// settleSession makes a new session one that requests can rely on, except for what
// options, those of the DSN, set. The settings are read in one statement and only those
// that differ are set, so that a pooler in front of the server sees no SET in the
// usual case.
func settleSession(ctx context.Context, conn *pgconn.PgConn, options string) error {
	var query, changes []string
	for _, s := range neededSettings {
		query = append(query, fmt.Sprintf("current_setting('%s', true)", s.name))
	}
	results, err := conn.Exec(ctx, "SELECT "+strings.Join(query, ", ")+", pg_backend_pid()").ReadAll()
	if err != nil {
		return fmt.Errorf("read the settings of the session: %w", err)
	}
	pid, err := strconv.ParseUint(string(results[0].Rows[0][len(neededSettings)]), 10, 32)
	if err != nil {
		return fmt.Errorf("read the number of the server's process: %w", err)
	}
	conn.CustomData()[serverPID] = uint32(pid)
	for i, s := range neededSettings {
		value := results[0].Rows[0][i] // nil where the server does not know the setting
		if value != nil && string(value) != s.needed && !strings.Contains(options, s.name) {
			changes = append(changes, fmt.Sprintf("SET %s = '%s'", s.name, s.needed))
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if _, err := conn.Exec(ctx, strings.Join(changes, "; ")).ReadAll(); err != nil {
		return fmt.Errorf("set the settings of the session: %w", err)
	}
	return nil
}
