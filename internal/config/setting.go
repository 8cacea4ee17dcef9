package config

import (
	"io/fs"
	"net/netip"
	"time"
)

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
// field of Config, and an entry in dbsep.conf.sample, docs/configuration.md and
// contrib/man/dbsep.conf.5, which a test asks for.
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
		"Where the server listens: host:port, or unix:/path for a socket. On an address that other machines can reach, one of allow, htpasswd and client_ca is needed."},
		address(func(c *Config) *string { return &c.Server.Listen })},
	{Setting{"server", "allow", "",
		"The networks that may ask, as 10.1.0.0/16 or 10.1.2.3, with commas between. Empty: every client that reaches the address. It does not concern a unix: socket."},
		networks(func(c *Config) *[]netip.Prefix { return &c.Server.Allow })},
	{Setting{"server", "proxy_protocol", "",
		"The networks of the proxies that may send a header of the PROXY protocol, version 1 or 2, comma-separated. The client's address in it then counts for allow, [tables network:] and the log. Empty: such a header is refused."},
		networks(func(c *Config) *[]netip.Prefix { return &c.Server.ProxyProtocol })},
	{Setting{"server", "htpasswd", "",
		"A file of htpasswd with the users that may ask, made with htpasswd -B. Empty: nobody is asked for a password."},
		path(func(c *Config) *string { return &c.Server.Htpasswd })},
	{Setting{"server", "tls_cert", "",
		"The certificate of the server in PEM, with those that vouch for it. With it the server speaks HTTPS only. A renewed file is taken over by itself."},
		path(func(c *Config) *string { return &c.Server.TLSCert })},
	{Setting{"server", "tls_key", "",
		"The key of that certificate."},
		path(func(c *Config) *string { return &c.Server.TLSKey })},
	{Setting{"server", "client_ca", "",
		"The authorities whose certificates a client must show one of. Empty: no certificate is asked for."},
		path(func(c *Config) *string { return &c.Server.ClientCA })},
	{Setting{"server", "socket_mode", "0660",
		"Who may connect to a unix: socket, in octal."},
		mode(func(c *Config) *fs.FileMode { return &c.Server.SocketMode })},
	{Setting{"server", "socket_group", "",
		"The group of a unix: socket. Empty: that of the process."},
		plain(func(c *Config, text string) { c.Server.SocketGroup = text })},
	{Setting{"server", "status_listen", "",
		"A second address, that answers nothing but /metrics, /livez and /readyz, to anybody. Empty: they are answered at listen, and /metrics only to those who may ask there."},
		address(func(c *Config) *string { return &c.Server.StatusListen }, optional)},

	{Setting{"log", "level", "info",
		"How much the log tells, under a web server too. debug: also the database's own words about a failure. They may hold values of a request, so switch it on only to find a fault."},
		choice(func(c *Config) *string { return &c.Log.Level }, "debug", "info", "warn", "error")},
	{Setting{"log", "format", "text",
		"text or json, one line for each event."},
		choice(func(c *Config) *string { return &c.Log.Format }, "text", "json")},
	{Setting{"log", "access", "no",
		"Whether every request leaves a line: who asked what, the result and how long it took. Never a value."},
		yesNo(func(c *Config) *bool { return &c.Log.Access })},
	{Setting{"log", "slow", "1s",
		"A request that takes longer leaves a line, with the columns that it asked by and without their values."},
		duration(func(c *Config) *time.Duration { return &c.Log.Slow })},

	{Setting{"database", "read_replicas", "",
		"Servers that reads go to instead, as host or host:port with commas between, in any order; the database of dsn where none of them answers. For MariaDB, MySQL and PostgreSQL. What one of them has not received yet is not read."},
		plain(func(c *Config, text string) { c.Database.ReadReplicas = text })},
	{Setting{"database", "server_prepare", "no",
		"Whether statements stay prepared on a PostgreSQL server, which saves it much of its work. Not behind a pooler that gives each statement to another connection. Other databases keep them in any case."},
		yesNo(func(c *Config) *bool { return &c.Database.ServerPrepare })},
	{Setting{"database", "max_connections", "16",
		"How many connections to the database may be open at a time. Further requests wait for a free one."},
		count(10000, func(c *Config) *int { return &c.Database.MaxConnections })},
	{Setting{"database", "connect_timeout", "5s",
		"How long making one connection may take, its login included."},
		duration(func(c *Config) *time.Duration { return &c.Database.ConnectTimeout })},
	{Setting{"database", "busy_timeout", "5s",
		"How long a statement waits while another program has SQLite's file locked."},
		duration(func(c *Config) *time.Duration { return &c.Database.BusyTimeout })},
	{Setting{"database", "lastgood_file", "",
		"The file in which the server keeps the answers of the section [lastgood]. It belongs to one server alone."},
		path(func(c *Config) *string { return &c.Database.LastGoodFile })},
	{Setting{"database", "lastgood_bytes", "256M",
		"How much the answers in that file may come to. The oldest go first."},
		size(func(c *Config) *int64 { return &c.Database.LastGoodBytes })},
	{Setting{"database", "cache_bytes", "64M",
		"How much memory the answers of the section [cache] may take."},
		size(func(c *Config) *int64 { return &c.Database.CacheBytes })},

	{Setting{"limits", "max_body_bytes", "4M",
		"The largest body of a request, in bytes or with K, M or G."},
		size(func(c *Config) *int64 { return &c.Limits.MaxBodyBytes })},
	{Setting{"limits", "max_fields", "512",
		"How many name=value pairs a request may have."},
		count(100000, func(c *Config) *int { return &c.Limits.MaxFields })},
	{Setting{"limits", "max_rows", "1000000",
		"How many rows an answer may have."},
		count(1<<30, func(c *Config) *int { return &c.Limits.MaxRows })},
	{Setting{"limits", "statement_timeout", "10s",
		"How long the database may take for one statement. Asterisk itself gives up after 180 seconds."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Statement })},
	{Setting{"limits", "pool_timeout", "5s",
		"How long a request waits for a free connection to the database before it is answered as busy."},
		duration(func(c *Config) *time.Duration { return &c.Limits.PoolTimeout })},
	{Setting{"limits", "header_timeout", "10s",
		"How long a client may take to send the header of a request."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Header })},
	{Setting{"limits", "read_timeout", "30s",
		"How long a client may take to send a whole request."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Read })},
	{Setting{"limits", "write_timeout", "30s",
		"How long a client may take to accept one piece of an answer. A long answer may take longer, as long as it moves."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Write })},
	{Setting{"limits", "slow_reader_timeout", "1s",
		"How long an answer may keep its connection to the database only because its client does not read. What is left of it then waits in memory."},
		duration(func(c *Config) *time.Duration { return &c.Limits.SlowReaderTimeout })},
	{Setting{"limits", "response_memory", "16M",
		"How much memory may be taken for what slow clients have not accepted yet, all together. A client that needs more is cut off."},
		size(func(c *Config) *int64 { return &c.Limits.ResponseMemory })},
	{Setting{"limits", "idle_timeout", "125s",
		"How long a connection is kept open between two requests."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Idle })},
	{Setting{"limits", "drain_timeout", "30s",
		"How long the server, told to end, waits for requests that it is still answering."},
		duration(func(c *Config) *time.Duration { return &c.Limits.Drain })},
	{Setting{"limits", "max_clients", "8192",
		"How many connections of clients may be open. Each needs one of the files that the process may open."},
		count(1000000, func(c *Config) *int { return &c.Limits.MaxClients })},
	{Setting{"limits", "max_clients_per_address", "4096",
		"How many of them may come from one address. All clients behind a proxy share its address."},
		count(1000000, func(c *Config) *int { return &c.Limits.MaxClientsPerAddress })},

	{Setting{"compat", "semicolons", "encode",
		"encode: the signs ; and ^ stand in the database as ^3B and ^5E, as Asterisk's native drivers write them. raw: as they are, as the Perl script did."},
		choice(func(c *Config) *string { return &c.Compat.Semicolons }, "encode", "raw")},
	{Setting{"compat", "unknown_columns", "",
		"What becomes of a write that names a column which the table does not have. skip: it is left out. fail: the write is refused. Empty: an update skips, a store fails."},
		choice(func(c *Config) *string { return &c.Compat.UnknownColumns }, "", "skip", "fail")},
	{Setting{"compat", "store_duplicate", "fail",
		"What becomes of a store whose row exists already. fail: the store is refused. replace: the row is overwritten."},
		choice(func(c *Config) *string { return &c.Compat.StoreDuplicate }, "fail", "replace")},
	{Setting{"compat", "strict", "yes",
		"On MariaDB and MySQL, whether a write is refused whose value does not fit its column. no: the server decides by its own sql_mode, and may store another value."},
		yesNo(func(c *Config) *bool { return &c.Compat.Strict })},
}
