package dsn

import "strconv"

// odbcSQLite describes the SQLite ODBC driver.
var odbcSQLite = &nativeDriver{
	driver:    "SQLite",
	libraries: []string{"libsqlite3odbc", "sqlite3odbc"},
	words:     []string{"sqlite"},
	translate: translateSQLite,
	keys: odbcKeys(`
		uid pwd stepapi notxn nowchar nocreat longnames shortnames syncpragma oemcp bigint`,
		map[string]odbcKey{
			"database":    {means: "dbname"},
			"fksupport":   {means: "fksupport"}, // for translateSQLite
			"timeout":     {means: "timeout"},
			"jdconv":      {lost: "dates are read as they are stored", harmless: "0 no off false"},
			"journalmode": {lost: "the journal stays as the file has it"},
			"loadext":     {lost: "extensions are not loaded"},
		}),
}

func translateSQLite(d *Diagnostics, _ *odbcSource, m map[string]string, _ *DSN) {
	if m["dbname"] == "" {
		d.Refuse("dsn", "leads to no database file", "write Database=/path/to/file, in the DSN or in odbc.ini")
	}
	if isOn(take(m, "fksupport")) {
		m["sqlite_foreign_keys"] = "1"
	}
	text := take(m, "timeout")
	milliseconds, err := strconv.ParseUint(text, 10, 31)
	switch {
	case text == "":
	case err != nil:
		d.Warn("dsn", "sets Timeout to something that is no number of milliseconds", "write a whole number")
	default:
		m["busy_timeout"] = strconv.FormatUint(max(milliseconds, 1), 10)
	}
}
