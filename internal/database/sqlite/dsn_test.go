package sqlite

import (
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

// A translated DSN may have a timeout; the setting in dbsep.conf wins over it.
func TestSQLiteTimeouts(t *testing.T) {
	for _, c := range []struct {
		option        string
		setting, want time.Duration
	}{
		{"", 0, 0},
		{"1500", 0, 1500 * time.Millisecond},
		{"1500", time.Second, time.Second},
	} {
		o := &database.OpenContext{Source: database.Source{BusyTimeout: c.setting}, Diagnostics: new(database.Diagnostics), DSN: dsn.DSN{Options: []dsn.Setting{{Name: "dbname", Value: "/x"}}}}
		if c.option != "" {
			o.Options = append(o.Options, dsn.Setting{Name: "busy_timeout", Value: c.option})
		}
		if file := readDSN(o); file.path != "/x" || o.BusyTimeout != c.want || o.Err() != nil {
			t.Errorf("%+v: %+v, %v, %v", c, file, o.BusyTimeout, o.Err())
		}
	}
}
