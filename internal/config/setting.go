package config

import (
	"io/fs"
	"net/netip"
	"strings"
	"time"
)

// A Setting is a line that a dbsep.conf may have.
type Setting struct {
	Section string // empty for the keys of the Perl script
	Key     string // lower case, and unique in all sections
	Kind    string // of its values: "duration", "size" and so on
	Default string // as it would be written in the file
	Example string // for a key without a default, the value in dbsep.conf.sample
	Doc     string // what it is for, in Markdown
	Details string // what else docs/configuration.md says of it, in Markdown
}

// PlainDoc returns Doc without Markdown.
func (s Setting) PlainDoc() string { return strings.ReplaceAll(s.Doc, "`", "") }

// Settings returns every setting that dbsep knows, the keys of the Perl script
// first.
func Settings() []Setting {
	settings := make([]Setting, len(table))
	for i, s := range table {
		settings[i] = s.Setting
		settings[i].Kind = s.value.name
	}
	return settings
}

// A setting is a Setting and how its value is read.
type setting struct {
	Setting
	value kind
}

//go:generate go test -count 1 -run TestDocumentsAreGenerated . -update

// table is the only place that names all settings. Parse and Default work from
// it, and the lists of settings in dbsep.conf.sample, docs/configuration.md and
// contrib/man/dbsep.conf.5 are generated from it by "make generate". A new setting
// is an entry here and the field of Config that it sets.
var table = []setting{
	{Setting{
		Key:     "dsn",
		Example: "DBI:mysql:database=asterisk",
		Doc:     "The database, as Perl's DBI names it: `DBI:driver:parameters`. If the line is missing or empty, the environment variable `DBI_DSN` is used.",
	}, text("text", func(c *Config, text string) { c.DSN = text })},
	{Setting{
		Key:     "dbuser",
		Example: "asterisk",
		Doc:     "The user for the database. If the line is missing, the environment variable `DBI_USER` is used.",
		Details: "If it is empty, dbsep sends no user name and does not read `DBI_USER`.",
	}, text("text", func(c *Config, text string) { c.User, c.HasUser = text, true })},
	{Setting{
		Key:     "dbpass",
		Doc:     "The password of the user. If the line is missing, the environment variable `DBI_PASS` is used.",
		Details: "If it is empty, dbsep sends no password and does not read `DBI_PASS`. A MariaDB account that is identified by its socket needs none.",
	}, text("text", func(c *Config, text string) { c.Password, c.HasPassword = text, true })},
	{Setting{
		Key: "dbschema",
		Doc: "The schema that contains the tables. If empty, the schema that the database searches by default.",

		Details: "It is one schema. On PostgreSQL `search_path` may name several: see [databases.md](databases.md#postgresql).",
	}, text("text", func(c *Config, text string) { c.Schema = text })},
	{Setting{
		Key:     "backslash_is_escape",
		Example: "yes",
		Doc:     "Only the Perl script uses it. dbsep passes every value as a parameter, so no character in a value has a special meaning.",
		Details: "dbsep accepts the line so that old files stay valid.",
	}, text("text", func(*Config, string) {})},

	{Setting{
		Section: "server", Key: "listen", Default: "127.0.0.1:8000",
		Doc:     "The address on which the server listens: `host:port`, or `unix:/path` for a socket. If other machines can reach the address, `allow`, `htpasswd` or `client_ca` must be set.",
		Details: "Without one of them `serve` refuses to start. An empty host, as in `:8000`, means all addresses of the machine.",
	}, address(func(c *Config) *string { return &c.Server.Listen })},
	{Setting{
		Section: "server", Key: "allow",
		Doc: "The networks that may connect, such as `10.1.0.0/16` or `10.1.2.3`, comma-separated. If empty, all clients that can reach the address. It does not apply to a `unix:` socket.",
	}, networks(func(c *Config) *[]netip.Prefix { return &c.Server.Allow })},
	{Setting{
		Section: "server", Key: "proxy_protocol",
		Doc:     "The networks of the proxies that may send a PROXY protocol header, version 1 or 2, comma-separated. The client address in the header is used for `allow`, `[tables network:]` and the log. If empty, such a header is refused.",
		Details: "HAProxy sends it with `send-proxy` or `send-proxy-v2`. The connections of these proxies do not count for `max_clients_per_address`. A connection without a header, such as a health check, counts with its own address. From all other addresses a header is refused with `unexpected-proxy-header`. On a `unix:` socket every client may send one as soon as a network is set here.",
	}, networks(func(c *Config) *[]netip.Prefix { return &c.Server.ProxyProtocol })},
	{Setting{
		Section: "server", Key: "hosts",
		Doc:     "More host names of the server, comma-separated, such as those that a proxy passes on in the `Host` header. A server at a loopback address that requires neither a password nor a certificate refuses requests for other names, since a web page may have sent them.",
		Details: "`localhost`, the name of the machine, names without a dot and IP addresses need no entry. See [security.md](security.md#web-pages).",
	}, hosts(func(c *Config) *[]string { return &c.Server.Hosts })},
	{Setting{
		Section: "server", Key: "htpasswd",
		Doc: "An htpasswd file with the users that may connect, created with `htpasswd -B`. If empty, no password is required.",
	}, path(func(c *Config) *string { return &c.Server.Htpasswd })},
	{Setting{
		Section: "server", Key: "tls_cert",
		Doc: "The certificate of the server in PEM format, with the intermediate certificates. If it is set, the server accepts HTTPS only. A renewed file is loaded automatically.",
	}, path(func(c *Config) *string { return &c.Server.TLSCert })},
	{Setting{
		Section: "server", Key: "tls_key",
		Doc: "The private key of the certificate.",
	}, path(func(c *Config) *string { return &c.Server.TLSKey })},
	{Setting{
		Section: "server", Key: "client_ca",
		Doc: "The certificate authorities of the clients in PEM format. If it is set, every client must present a certificate from one of them.",
	}, path(func(c *Config) *string { return &c.Server.ClientCA })},
	{Setting{
		Section: "server", Key: "socket_mode", Default: "0660",
		Doc: "The permissions of a `unix:` socket, in octal.",
	}, mode(func(c *Config) *fs.FileMode { return &c.Server.SocketMode })},
	{Setting{
		Section: "server", Key: "socket_group",
		Doc: "The group of a `unix:` socket. If empty, the group of the process.",
	}, text("group", func(c *Config, text string) { c.Server.SocketGroup = text })},
	{Setting{
		Section: "server", Key: "cgi_listen", Example: "unix:/run/dbsep/cgi.sock",
		Doc:     "A `unix:/path` socket for the requests of a web server, which `dbsep-cgi` passes on, or which the web server sends itself over FastCGI. The web server decides who may send requests: `allow`, `htpasswd` and `client_ca` do not apply. If empty, there is none.",
		Details: "`dbsep-cgi` looks for `unix:/run/dbsep/cgi.sock` unless `DBSEP_CGI_SOCKET` names another path: see [running.md](running.md#as-a-cgi-program-with-a-server). `/metrics` is not served there.",
	}, socket(func(c *Config) *string { return &c.Server.CGIListen })},
	{Setting{
		Section: "server", Key: "cgi_socket_mode", Default: "0660",
		Doc: "The permissions of the socket of `cgi_listen`, in octal. A program that may write to it can send requests in the name of every user.",
	}, mode(func(c *Config) *fs.FileMode { return &c.Server.CGISocketMode })},
	{Setting{
		Section: "server", Key: "cgi_socket_group",
		Doc: "The group of the socket of `cgi_listen`: that of the web server, such as `www-data`. If empty, the group of the process.",
	}, text("group", func(c *Config, text string) { c.Server.CGISocketGroup = text })},
	{Setting{
		Section: "server", Key: "status_listen",
		Doc: "A second address that serves only `/metrics`, `/livez` and `/readyz`, to every client. If empty, they are served at `listen`, and `/metrics` only to clients that may connect there.",
	}, address(func(c *Config) *string { return &c.Server.StatusListen }, optional)},

	{Setting{
		Section: "log", Key: "level", Default: "info",
		Doc: "The lowest level that is logged, under a web server too: `error`, `warn`, `info` or `debug`. `debug` adds the messages of the database itself, which can contain values of requests. Use it only to find a fault.",
	}, choice(func(c *Config) *string { return &c.Log.Level }, "debug", "info", "warn", "error")},
	{Setting{
		Section: "log", Key: "format", Default: "text",
		Doc: "The format of log lines: `text` or `json`.",
	}, choice(func(c *Config) *string { return &c.Log.Format }, "text", "json")},
	{Setting{
		Section: "log", Key: "access", Default: "no",
		Doc: "Whether every request is logged: the client, the operation, the table, the result and the duration. Values are never logged.",
	}, yesNo(func(c *Config) *bool { return &c.Log.Access })},
	{Setting{
		Section: "log", Key: "slow", Default: "1s",
		Doc: "A request that takes longer is logged, with the names of its fields but without values.",
	}, duration(func(c *Config) *time.Duration { return &c.Log.Slow })},

	{Setting{
		Section: "database", Key: "read_replicas",
		Doc:     "Replicas that reads are sent to, as `host` or `host:port`, comma-separated, in any order. If none of them responds, reads go to the database of `dsn`. For MariaDB, MySQL and PostgreSQL. A read does not see what the replica has not received yet.",
		Details: "See [databases.md](databases.md#several-servers). Reads and writes have `max_connections` each.",
	}, text("hosts", func(c *Config, text string) { c.Database.ReadReplicas = text })},
	{Setting{
		Section: "database", Key: "server_prepare", Default: "auto",
		Doc:     "Whether statements stay prepared on a PostgreSQL server, which saves it much work. `auto` does so until a pooler loses one. Other databases always keep them prepared.",
		Details: "See [databases.md](databases.md#postgresql). `yes` is `auto`.",
	}, autoNo(func(c *Config) *bool { return &c.Database.ServerPrepare })},
	{Setting{
		Section: "database", Key: "max_connections", Default: "16",
		Doc:     "The maximum number of open connections to the database. Further requests wait for a free one.",
		Details: "The database must allow as many; MariaDB and MySQL one more, by which statements [are ended](resilience.md#statements-end).",
	}, count(10000, func(c *Config) *int { return &c.Database.MaxConnections })},
	{Setting{
		Section: "database", Key: "connect_timeout", Default: "5s",
		Doc: "How long opening a connection may take, including the login.",
	}, duration(func(c *Config) *time.Duration { return &c.Database.ConnectTimeout })},
	{Setting{
		Section: "database", Key: "busy_timeout", Default: "5s",
		Doc:     "How long a statement waits while another program has locked the SQLite file.",
		Details: "The DSN of an ODBC source can set it, too.",
	}, duration(func(c *Config) *time.Duration { return &c.Database.BusyTimeout })},
	{Setting{
		Section: "database", Key: "lastgood_file",
		Doc: "The file in which the server keeps the responses of the section `[lastgood]`. Only one process can use it.",
	}, path(func(c *Config) *string { return &c.Database.LastGoodFile })},
	{Setting{
		Section: "database", Key: "lastgood_bytes", Default: "256M",
		Doc: "The maximum size of that file, with its write-ahead log; at least 256K. The oldest responses are removed first.",
	}, size(func(c *Config) *int64 { return &c.Database.LastGoodBytes })},
	{Setting{
		Section: "database", Key: "cache_bytes", Default: "64M",
		Doc: "The maximum memory for the responses of the section `[cache]`.",
	}, size(func(c *Config) *int64 { return &c.Database.CacheBytes })},

	{Setting{
		Section: "limits", Key: "max_body_bytes", Default: "4M",
		Doc: "The maximum size of a request body, in bytes or with K, M or G.",
	}, size(func(c *Config) *int64 { return &c.Limits.MaxBodyBytes })},
	{Setting{
		Section: "limits", Key: "body_memory", Default: "64M",
		Doc:     "The maximum memory for the bodies of all requests together. A body of up to 8K does not count. A larger one counts three times once it is complete, and is refused with `busy` if too little is left.",
		Details: "Set it to three times `max_body_bytes` at least.",
	}, size(func(c *Config) *int64 { return &c.Limits.BodyMemory })},
	{Setting{
		Section: "limits", Key: "max_fields", Default: "512",
		Doc: "The maximum number of `name=value` pairs in a request.",
	}, count(100000, func(c *Config) *int { return &c.Limits.MaxFields })},
	{Setting{
		Section: "limits", Key: "max_rows", Default: "1000000",
		Doc: "The maximum number of rows in a response.",
	}, count(1<<30, func(c *Config) *int { return &c.Limits.MaxRows })},
	{Setting{
		Section: "limits", Key: "max_row_bytes", Default: "4M",
		Doc:     "The maximum size of a row that is read. A longer one fails with `row-too-large`.",
		Details: "It is the sum of its values as text. Each connection to the database may have such a row in memory up to three times.",
	}, size(func(c *Config) *int64 { return &c.Limits.MaxRowBytes })},
	{Setting{
		Section: "limits", Key: "statement_timeout", Default: "10s",
		Doc:     "How long the database may take for one statement. One that takes longer is ended in the database. Asterisk itself gives up after 180 seconds.",
		Details: "See [resilience.md](resilience.md#statements-end).",
	}, duration(func(c *Config) *time.Duration { return &c.Limits.Statement })},
	{Setting{
		Section: "limits", Key: "pool_timeout", Default: "5s",
		Doc: "How long a request waits for a free connection to the database before it fails with `busy`.",
	}, duration(func(c *Config) *time.Duration { return &c.Limits.PoolTimeout })},
	{Setting{
		Section: "limits", Key: "header_timeout", Default: "10s",
		Doc: "How long a client may take to send the header of a request.",
	}, duration(func(c *Config) *time.Duration { return &c.Limits.Header })},
	{Setting{
		Section: "limits", Key: "read_timeout", Default: "30s",
		Doc: "How long a client may take to send a whole request.",
	}, duration(func(c *Config) *time.Duration { return &c.Limits.Read })},
	{Setting{
		Section: "limits", Key: "write_timeout", Default: "30s",
		Doc: "How long a client may take to accept one chunk of a response. A long response may take longer, as long as the client keeps reading.",
	}, duration(func(c *Config) *time.Duration { return &c.Limits.Write })},
	{Setting{
		Section: "limits", Key: "slow_reader_timeout", Default: "1s",
		Doc: "How long a response may keep its connection to the database only because its client does not read. The rest of the response then waits in memory.",
	}, duration(func(c *Config) *time.Duration { return &c.Limits.SlowReaderTimeout })},
	{Setting{
		Section: "limits", Key: "response_memory", Default: "64M",
		Doc:     "The maximum memory for all responses together. A response of up to 16K does not count. If too little is left, the clients that have not read for longest, at least for `slow_reader_timeout`, are disconnected.",
		Details: "Their error code is `slow-client`. If all clients read, a response waits for memory for `slow_reader_timeout` and then fails with `busy`. Set it to six times `max_row_bytes` at least: a large row counts with its copies.",
	}, size(func(c *Config) *int64 { return &c.Limits.ResponseMemory })},
	{Setting{
		Section: "limits", Key: "idle_timeout", Default: "125s",
		Doc: "How long a connection stays open between two requests.",
	}, duration(func(c *Config) *time.Duration { return &c.Limits.Idle })},
	{Setting{
		Section: "limits", Key: "drain_timeout", Default: "30s",
		Doc: "How long the server waits for running requests before it exits.",
	}, duration(func(c *Config) *time.Duration { return &c.Limits.Drain })},
	{Setting{
		Section: "limits", Key: "max_clients", Default: "8192",
		Doc:     "The maximum number of open connections from clients. Each needs one of the files that the process may open.",
		Details: "Up to 512 connections that are refused come on top: see [security.md](security.md#connections).",
	}, count(1000000, func(c *Config) *int { return &c.Limits.MaxClients })},
	{Setting{
		Section: "limits", Key: "max_clients_per_address", Default: "4096",
		Doc: "The maximum number of open connections from one address, so that one client cannot take those of all others. The proxies of `proxy_protocol` do not count; clients behind any other proxy share its address.",
	}, count(1000000, func(c *Config) *int { return &c.Limits.MaxClientsPerAddress })},

	{Setting{
		Section: "compat", Key: "order",
		Doc:     "The column by which the rows of `multi` are ordered. `none`: the database decides, as with the Perl script. If empty, it is the column of the first condition, as with Asterisk's native drivers.",
		Details: "It is meant for [some tables](#settings-for-some-tables). A table that does not have the column has the order of an empty value, and a warning.",
	}, column(func(c *Config) *string { return &c.Compat.Order })},
	{Setting{
		Section: "compat", Key: "semicolons", Default: "encode",
		Doc:     "`encode`: `;` and `^` are stored as `^3B` and `^5E`, as Asterisk's native drivers store them. `raw`: they are stored unchanged, as the Perl script did.",
		Details: "With `encode`, dbsep and the native drivers can share a database. With `raw`, PJSIP contacts are split at the semicolon when they are read.",
	}, choice(func(c *Config) *string { return &c.Compat.Semicolons }, "encode", "raw")},
	{Setting{
		Section: "compat", Key: "unknown_columns",
		Doc: "What a write does with a column that the table does not have. `skip`: it leaves the column out. `fail`: it fails. If empty, an update leaves it out and a store fails.",
	}, choice(func(c *Config) *string { return &c.Compat.UnknownColumns }, "", "skip", "fail")},
	{Setting{
		Section: "compat", Key: "store_duplicate", Default: "fail",
		Doc: "What a store does if the row exists already. `fail`: it fails. `replace`: it overwrites the row.",
	}, choice(func(c *Config) *string { return &c.Compat.StoreDuplicate }, "fail", "replace")},
	{Setting{
		Section: "compat", Key: "require", Default: "warn",
		Doc:     "What `require` does if the table does not have what Asterisk requires. `warn`: it fails for a missing column, and logs a column that is too narrow. `fail`: it fails for both. `alter`: it adds a missing column, if the client may write the whole table.",
		Details: "Asterisk asks before it writes, its queue log above all. The log has each statement that adds a column, and with `warn` the one that would. The account needs the right to change the table.",
	}, choice(func(c *Config) *string { return &c.Compat.Require }, "warn", "fail", "alter")},
	{Setting{
		Section: "compat", Key: "strict", Default: "yes",
		Doc: "On MariaDB and MySQL, whether a write fails if a value does not fit its column. `no`: the `sql_mode` of the server decides, which may store another value.",
	}, yesNo(func(c *Config) *bool { return &c.Compat.Strict })},
}
