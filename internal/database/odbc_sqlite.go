package database

import (
	"strconv"
	"time"
)

// odbcSQLite stands for the SQLite ODBC driver.
var odbcSQLite = &odbcNative{
	driver:    sqlite.drivers[0],
	libraries: []string{"libsqlite3odbc", "sqlite3odbc"},
	words:     []string{"sqlite"},
	translate: translateSQLite,
	keys: odbcKeys(`
		uid pwd stepapi notxn nowchar nocreat longnames shortnames syncpragma oemcp bigint`,
		map[string]odbcKey{
			"database":    {means: "dbname"},
			"fksupport":   {means: "fksupport"}, // for translateSQLite
			"timeout":     {means: "timeout"},
			"jdconv":      {lost: "dates are told as they are stored", harmless: "0 no off false"},
			"journalmode": {lost: "the journal stays as the file has it"},
			"loadext":     {lost: "extensions are not loaded"},
		}),
}

func translateSQLite(o *opening, _ *odbcSource, m map[string]string) {
	if m["dbname"] == "" {
		o.refuse("dsn", "leads to no database file", "write Database=/path/to/file, in the DSN or in odbc.ini")
	}
	if isOn(take(m, "fksupport")) {
		m["sqlite_foreign_keys"] = "1"
	}
	text := take(m, "timeout")
	milliseconds, err := strconv.ParseUint(text, 10, 31)
	switch {
	case text == "":
	case err != nil:
		o.warn("dsn", "sets Timeout to something that is no number of milliseconds", "write a whole number")
	case o.BusyTimeout == 0: // the setting comes first
		o.BusyTimeout = max(time.Duration(milliseconds)*time.Millisecond, time.Millisecond)
	}
}
