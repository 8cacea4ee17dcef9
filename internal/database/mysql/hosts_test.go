package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/database"
)

// A fakeNode is a connection that responds to SHOW as a node does.
type fakeNode struct {
	driver.Conn
	variables, status [][2]string
}

func (n *fakeNode) Connect(context.Context) (driver.Conn, error) { return n, nil }
func (n *fakeNode) Driver() driver.Driver                        { return nil }
func (n *fakeNode) Close() error                                 { return nil }

func (n *fakeNode) QueryContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Rows, error) {
	if strings.Contains(text, "VARIABLES") {
		return &fakeRows{n.variables}, nil
	}
	return &fakeRows{n.status}, nil
}

type fakeRows struct{ left [][2]string }

func (r *fakeRows) Columns() []string { return make([]string, 2) }
func (r *fakeRows) Close() error      { return nil }
func (r *fakeRows) Next(dest []driver.Value) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	dest[0], dest[1] = []byte(r.left[0][0]), []byte(r.left[0][1])
	r.left = r.left[1:]
	return nil
}

func TestMySQLNodeThatIsNotReadyCountsAsAway(t *testing.T) {
	type pairs = [][2]string
	for name, c := range map[string]struct {
		variables, status pairs
		writes, away      bool
	}{
		"a server alone":            {pairs{{"read_only", "OFF"}, {"wsrep_on", "OFF"}}, pairs{{"wsrep_ready", "OFF"}}, true, false},
		"a replica":                 {pairs{{"read_only", "ON"}}, nil, false, false},
		"a replica of MySQL":        {pairs{{"read_only", "OFF"}, {"super_read_only", "ON"}}, nil, false, false},
		"a reader of Aurora":        {pairs{{"innodb_read_only", "ON"}}, nil, false, false},
		"a replica in newer words":  {pairs{{"read_only", "NO_LOCK"}}, nil, false, false},
		"a node of a cluster":       {pairs{{"read_only", "OFF"}, {"wsrep_on", "ON"}}, pairs{{"wsrep_ready", "ON"}}, true, false},
		"a node without its others": {pairs{{"read_only", "OFF"}, {"wsrep_on", "ON"}}, pairs{{"wsrep_ready", "OFF"}}, false, true},
	} {
		for _, reads := range []bool{false, true} {
			conn, err := node{Connector: &fakeNode{variables: c.variables, status: c.status}, reads: reads}.Connect(t.Context())
			_, lesser := conn.(database.Standby)
			var e *mysql.MySQLError
			if away := errors.As(err, &e) && e.Number == numberNotReady; away != c.away || !away && lesser != (!c.writes && !reads) {
				t.Errorf("%s, reads %v: %T, %v", name, reads, conn, err)
			}
		}
	}
}
