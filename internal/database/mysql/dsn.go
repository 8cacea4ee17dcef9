package mysql

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

// dsnOptions are the settings of a connection by their names in a DSN,
// without the driver's prefix: "database", "host", "port", "user", "password",
// "socket", "init_command", "ssl_ca_file" and so on.
type dsnOptions map[string]string

// knownOptions are the options that a DSN sets with the driver's prefix, and what
// is to be said of one that has no effect here. Nothing is said of those that
// have theirs, or without which nothing is lost.
var knownOptions = map[string]string{
	"socket": "", "init_command": "", "compression": "", "read_default_file": "", "read_default_group": "",
	"connect_timeout": "", "read_timeout": "", "write_timeout": "",
	"ssl": "", "ssl_optional": "", "ssl_ca_file": "", "ssl_ca_path": "",
	"ssl_client_key": "", "ssl_client_cert": "", "ssl_verify_server_cert": "",

	"auto_reconnect": "", "server_prepare": "", "server_prepare_disable_fallback": "", "enable_utf8mb4": "",
	"use_result": "", "bind_type_guessing": "", "bind_comment_placeholders": "", "no_autocommit_cmd": "",
	"skip_secure_auth": "", "get_server_pubkey": "", "conn_attrs": "", "local_infile": "",

	"client_found_rows": "", "multi_statements": "", "enable_utf8": "", // see warn

	"ssl_cipher":       "TLS chooses its ciphers itself",
	"server_pubkey":    "the server is asked for its key where a login needs it",
	"embedded_options": "there is no embedded server",
	"embedded_groups":  "there is no embedded server",
}

// positionalOptions is what a part of the DSN without a name means: the first of
// these that is not yet set.
var positionalOptions = [...]string{"database", "host", "port"}

// readDSN reads the part of a DSN after "DBI:mysql:" as DBD::mysql does,
// and completes it from dbuser, dbpass and the option files that it names.
func readDSN(o *database.OpenContext) dsnOptions {
	options := dsnOptions{"user": o.User, "password": o.Password}
	for _, s := range append(slices.Clone(o.Attributes), o.Options...) {
		options.set(o, s.Name, s.Value)
	}
	afterHost := false
	for _, part := range splitDSN(o.Rest) {
		name, value, named := strings.Cut(part, "=")
		if named {
			options.set(o, name, value)
		} else if options.place(part) != "port" && afterHost {
			o.Warn("dsn", "has a port behind a host and a colon, where the Perl driver loses it", "write host=...;port=...")
		}
		afterHost = named && (name == "host" || name == "hostname")
	}
	options.readFiles(o)
	options.warn(o)
	return options
}

// splitDSN splits at ";" and ":" alike, but not within brackets: they hold an
// IPv6 address.
func splitDSN(rest string) []string {
	var parts []string
	start, bracketed := 0, false
	for i, r := range rest {
		switch r {
		case '[':
			bracketed = strings.Contains(rest[i:], "]")
		case ']':
			bracketed = false
		case ';', ':':
			if !bracketed {
				parts = append(parts, rest[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, rest[start:])
}

// place takes a part without a name and returns the option that it sets.
func (m dsnOptions) place(value string) string {
	for _, name := range positionalOptions {
		if _, taken := m[name]; !taken {
			m[name] = unbracketed(value)
			return name
		}
	}
	return ""
}

// unbracketed takes the brackets off the IPv6 addresses of a list.
func unbracketed(hosts string) string {
	all := strings.Split(hosts, ",")
	for i := range all {
		all[i] = strings.Trim(all[i], "[]")
	}
	return strings.Join(all, ",")
}

// set takes a part or an attribute with a name. The values of those that are
// not known stay untold.
func (m dsnOptions) set(o *database.OpenContext, name, value string) {
	switch name {
	case "database", "db", "dbname":
		m["database"] = value
		return
	case "host", "hostname":
		m["host"] = unbracketed(value)
		return
	case "port", "user", "password":
		m[name] = value
		return
	}
	option, prefixed := strings.CutPrefix(name, strings.ToLower(o.Driver)+"_")
	lost, known := knownOptions[option]
	switch {
	case prefixed && known:
		m[option] = value
		if lost != "" {
			o.Warn("dsn", fmt.Sprintf("sets %s, which has no effect: %s", name, lost), "remove it")
		}
	case o.Driver == dbiMariaDB:
		o.Refuse("dsn", fmt.Sprintf("sets %q, which DBI:MariaDB does not have", name), "remove it, or correct its name; names are case-sensitive")
	default:
		o.Warn("dsn", fmt.Sprintf("sets %q, which has no effect, as in the Perl driver", name), "remove it, or correct its name; names are case-sensitive")
	}
}

// warn reports options that mean something else than they did to Perl.
func (m dsnOptions) warn(o *database.OpenContext) {
	if value, set := m["client_found_rows"]; set && !dsn.IsTrue(value) {
		o.Warn("dsn", "switches client_found_rows off, but an update counts the rows it matches, since Asterisk needs that", "remove it")
	}
	if dsn.IsTrue(m["multi_statements"]) {
		o.Warn("dsn", "switches multi_statements on, but one request stays one statement", "remove it")
	}
	if dsn.IsTrue(m["enable_utf8"]) {
		o.Warn("dsn", "sets enable_utf8, with which Perl lost characters of four bytes; they are kept here", "remove it")
	}
	switch {
	case o.InsteadOf != "": // another driver's options
	case dsn.IsTrue(m["ssl"]):
		o.Warn("dsn", "asks for TLS, which Perl's driver refuses on Debian; here it is used", "")
	case m["ssl_ca_file"]+m["ssl_ca_path"]+m["ssl_client_cert"]+m["ssl_client_key"] != "":
		o.Warn("dsn", "names files for TLS but does not switch it on", "add mysql_ssl=1")
	}
	if o.Schema != "" && m["database"] != "" && o.Schema != m["database"] {
		o.Warn("dbschema", fmt.Sprintf("is %q, but the tables are those of the database %q", o.Schema, m["database"]), "remove dbschema, or correct the database in dsn")
	}
}

// config makes the driver's configuration. It never becomes a DSN text, in which
// a password would have to be escaped.
func (m dsnOptions) config(o *database.OpenContext) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = m["user"], m["password"], m["database"]
	if c.User == "" {
		c.User = dsn.LoginName()
	}
	if c.DBName == "" {
		o.Refuse("dsn", "names no database", "write DBI:mysql:database=asterisk;host=...")
	}
	m.address(o, c)
	c.ClientFoundRows = true // P8
	c.Logger = &mysql.NopLogger{}
	c.Timeout = m.seconds(o, "connect_timeout")
	if o.ConnectTimeout != 0 || c.Timeout == 0 {
		c.Timeout = o.LoginTimeout()
	}
	c.ReadTimeout = m.seconds(o, "read_timeout")
	c.WriteTimeout = m.seconds(o, "write_timeout")
	m.tls(o, c)
	if err := c.Apply(mysql.EnableCompression(dsn.IsTrue(m["compression"]))); err != nil {
		o.Refuse("dsn", "cannot be used by the driver", "compare it with the manual")
	}
	return c
}

// defaultSockets are the places where distributions put a server's socket.
var defaultSockets = [...]string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"}

// address chooses between socket and network as the C library does: no host and
// "localhost" mean the socket, even with a port.
func (m dsnOptions) address(o *database.OpenContext, c *mysql.Config) {
	host, port := m["host"], m["port"]
	if host == "" || host == "localhost" {
		if port != "" && o.Driver == dbiMariaDB {
			o.Refuse("dsn", "has a port beside localhost, which DBI:MariaDB does not accept", "write host=127.0.0.1 for the network, or remove the port for the socket")
		}
		c.Net, c.Addr = "unix", m.socket(o)
		return
	}
	if port == "" {
		port = o.Environ("MYSQL_TCP_PORT")
	}
	if port == "" || port == "0" {
		port = "3306"
	}
	// Perl reads a number as far as it goes.
	digits := port[:len(port)-len(strings.TrimLeft(port, "0123456789"))]
	if n, err := strconv.ParseUint(digits, 10, 16); err != nil || n == 0 {
		o.Refuse("dsn", "has a port that is no number from 1 to 65535", "write port=3306")
	} else if digits != port {
		o.Warn("dsn", "has something behind the number of the port", "remove it")
	}
	c.Net, c.Addr = "tcp", net.JoinHostPort(host, digits)
}

func (m dsnOptions) socket(o *database.OpenContext) string {
	if m["socket"] != "" {
		return m["socket"]
	}
	if path := o.Environ("MYSQL_UNIX_PORT"); path != "" {
		return path
	}
	for _, path := range defaultSockets {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return defaultSockets[0] // the server may start later
}

func (m dsnOptions) seconds(o *database.OpenContext, name string) time.Duration {
	value := m[name]
	if value == "" {
		return 0
	}
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		o.Refuse("dsn", fmt.Sprintf("has %s with something that is no number of seconds", name), "write a whole number")
	}
	return time.Duration(n) * time.Second
}
