//go:build e2e

package asterisk

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// queueLogFeatures restart Asterisk: it looks at the table of its queue log when
// it starts, and never again before a reload of its logger.
var queueLogFeatures = []feature{
	{"queue_log: started while the database is down, events still fill data1 to data5", func(t *testing.T, p *pbx) {
		end := p.outage(t)
		p.Process.End()
		p.Start(p.whole)
		end()
		p.module(t, "app_queue")
		p.event(t, "AFTEROUTAGE", "one", "two", "three", "four", "five")
	}},
	{"queue_log: logger reload while the database is down, events still fill data1 to data5", func(t *testing.T, p *pbx) {
		end := p.outage(t)
		p.cli(t, "logger reload")
		end()
		p.event(t, "AFTERRELOAD", "one", "two", "three", "four", "five")
	}},
	{"queue_log: a column that is too narrow, or of another class, is filled with what fits", func(t *testing.T, p *pbx) {
		p.queueLog(t, map[string]string{"MariaDB": "VARCHAR(10)", "SQLite": "INTEGER", "PostgreSQL": "VARCHAR(10)"}[p.Kind])
		defer p.queueLog(t, "VARCHAR(100)")
		p.Process.End()
		p.Start(p.whole)
		p.event(t, "NARROW", "1", "2", "3", "4", "5")
		p.event(t, "NARROWAGAIN", "1", "", "a_value_that_is_longer", "", "5")
	}},
	{"queue_log: a column that is missing makes Asterisk store one text in data", func(t *testing.T, p *pbx) {
		p.exec(t, "ALTER TABLE queue_log RENAME COLUMN data5 TO elsewhere")
		p.serve(t, p.Site)
		defer func() {
			p.exec(t, "ALTER TABLE queue_log RENAME COLUMN elsewhere TO data5")
			p.serve(t, p.Site)
			p.cli(t, "logger reload")
		}()
		p.cli(t, "logger reload")
		p.queueLogEvent(t, "MISSING", "1", "2")
		p.shows(t, "realtime load queue_log event MISSING", column("data", "1|2"))
	}},
}

// queueLog makes the table of the queue log again, with a type for data1.
func (p *pbx) queueLog(t *testing.T, data1 string) {
	t.Helper()
	p.exec(t, "DROP TABLE queue_log")
	key := map[string]string{
		"MariaDB": "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY", "SQLite": "INTEGER PRIMARY KEY AUTOINCREMENT", "PostgreSQL": "BIGSERIAL PRIMARY KEY",
	}[p.Kind]
	p.exec(t, fmt.Sprintf(`CREATE TABLE queue_log (id %s, time %s, callid VARCHAR(80), queuename VARCHAR(256), agent VARCHAR(80), event VARCHAR(32),
		data1 %s, data2 VARCHAR(100), data3 VARCHAR(100), data4 VARCHAR(100), data5 VARCHAR(100), data VARCHAR(500))`,
		key, map[string]string{"MariaDB": "DATETIME(6)", "SQLite": "DATETIME", "PostgreSQL": "TIMESTAMP"}[p.Kind], data1))
	p.serve(t, p.Site)
}

// module loads a module that may have declined while the database was away.
func (p *pbx) module(t *testing.T, name string) {
	t.Helper()
	if out := p.cli(t, "module show like "+name); !strings.Contains(out, "Not Running") && strings.Contains(out, "Running") {
		return
	}
	p.shows(t, "module load "+name+".so", "Loaded "+name)
}

// event lets Asterisk log an event, and waits until its row has every value in a
// column of its own.
func (p *pbx) event(t *testing.T, name string, values ...string) {
	t.Helper()
	p.queueLogEvent(t, name, values...)
	eventually(t, func() error {
		got := make([]sql.NullString, 5)
		row := p.DB.QueryRowContext(t.Context(), p.numbered("SELECT data1, data2, data3, data4, data5 FROM queue_log WHERE event = ?", 1), name)
		if err := row.Scan(&got[0], &got[1], &got[2], &got[3], &got[4]); err != nil {
			return fmt.Errorf("the row of %s: %w", name, err)
		}
		for i := range got {
			if got[i].String != values[i] {
				return fmt.Errorf("the row of %s is %v, want %q", name, got, values)
			}
		}
		return nil
	})
}

func (p *pbx) queueLogEvent(t *testing.T, name string, values ...string) {
	t.Helper()
	p.module(t, "pbx_config")
	p.cli(t, fmt.Sprintf("channel originate Local/idle@functions application QueueLog support,uid,somebody,%s,%s", name, strings.Join(values, "|")))
}
