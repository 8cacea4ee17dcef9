package config

import "time"

// A Setting is one line that a dbsep.conf may have.
type Setting struct {
	Section string // empty for the keys of the Perl script
	Key     string // lower case, and unique in all sections
	Default string // as it would be written in the file
	Doc     string // what it is for
}

// Settings is every setting that dbsep knows, the five keys of the Perl script
// first.
func Settings() []Setting {
	settings := make([]Setting, len(table))
	for i := range table {
		settings[i] = table[i].Setting
	}
	return settings
}

// A setting knows beside what it is how its value is read.
type setting struct {
	Setting
	read read
}

// table is what Parse and Default work from. A new setting is a row here, a
// field of Config, and an entry in dbsep.conf.sample and in
// docs/configuration.md, which a test asks for.
var table = []setting{
	{Setting{"", "dsn", "",
		"The database, as Perl's DBI names it: DBI:driver:parameters. Without the line, or with an empty value, the environment variable DBI_DSN counts."},
		plain(func(c *Config, text string) { c.DSN = text })},
	{Setting{"", "dbuser", "",
		"The user for the database. Without the line, the environment variable DBI_USER counts."},
		plain(func(c *Config, text string) { c.User, c.HasUser = text, true })},
	{Setting{"", "dbpass", "",
		"The password of that user. Without the line, the environment variable DBI_PASS counts."},
		plain(func(c *Config, text string) { c.Password, c.HasPassword = text, true })},
	{Setting{"", "dbschema", "",
		"The schema that holds the tables, where it is not the one that the database looks in by itself."},
		plain(func(c *Config, text string) { c.Schema = text })},
	{Setting{"", "backslash_is_escape", "",
		"Only the Perl script needs it. dbsep binds every value, so that no character in it can mean anything."},
		plain(func(*Config, string) {})},

	{Setting{"server", "listen", "127.0.0.1:8000",
		"Where the server listens: host:port, or unix:/path for a socket. dbsep asks nobody for a password, so let only the telephone system reach it."},
		address(func(c *Config) *string { return &c.Server.Listen })},
	{Setting{"server", "log_level", "info",
		"How much the log tells, under a web server too. debug: also the database's own words about a failure. They may hold values of a request, so switch it on only to find a fault."},
		choice(func(c *Config) *string { return &c.Server.LogLevel }, "info", "debug")},

	{Setting{"database", "max_connections", "16",
		"How many connections to the database may be open at a time. Further requests wait for a free one."},
		count(10000, func(c *Config) *int { return &c.Database.MaxConnections })},
	{Setting{"database", "connect_timeout", "5s",
		"How long making one connection may take, its login included."},
		duration(func(c *Config) *time.Duration { return &c.Database.ConnectTimeout })},
	{Setting{"database", "busy_timeout", "5s",
		"How long a statement waits while another program has SQLite's file locked."},
		duration(func(c *Config) *time.Duration { return &c.Database.BusyTimeout })},
	{Setting{"database", "description_age", "1m",
		"How long dbsep goes by what it has read about a table's columns. An unknown table or column makes it read again at once."},
		duration(func(c *Config) *time.Duration { return &c.Database.DescriptionAge })},

	{Setting{"limits", "body_bytes", "4M",
		"The largest body of a request, in bytes or with K, M or G."},
		size(func(c *Config) *int64 { return &c.Limits.BodyBytes })},
	{Setting{"limits", "fields", "512",
		"How many name=value pairs a request may have."},
		count(100000, func(c *Config) *int { return &c.Limits.Fields })},
	{Setting{"limits", "statement_timeout", "10s",
		"How long the database may take for one statement. Asterisk itself gives up after 180 seconds."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Statement })},
	{Setting{"limits", "header_timeout", "10s",
		"How long a client may take to send the header of a request."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Header })},
	{Setting{"limits", "read_timeout", "30s",
		"How long a client may take to send a whole request."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Read })},
	{Setting{"limits", "write_timeout", "30s",
		"How long a client may take to accept one piece of an answer. A long answer may take longer, as long as it moves."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Write })},
	{Setting{"limits", "idle_timeout", "125s",
		"How long a connection is kept open between two requests."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Idle })},
	{Setting{"limits", "drain_timeout", "30s",
		"How long the server, told to end, waits for requests that it is still answering."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Drain })},

	{Setting{"compat", "semicolons", "encode",
		"encode: the signs ; and ^ stand in the database as ^3B and ^5E, as Asterisk's native drivers write them. raw: as they are, as the Perl script did."},
		choice(func(c *Config) *string { return &c.Compat.Semicolons }, "encode", "raw")},
	{Setting{"compat", "unknown_columns", "",
		"What becomes of a write that names a column which the table does not have. skip: it is left out. fail: the write is refused. Empty: an update skips, a store fails."},
		choice(func(c *Config) *string { return &c.Compat.UnknownColumns }, "", "skip", "fail")},
	{Setting{"compat", "store_duplicate", "fail",
		"What becomes of a store whose row exists already. fail: the store is refused. replace: the row is overwritten."},
		choice(func(c *Config) *string { return &c.Compat.StoreDuplicate }, "fail", "replace")},
}
