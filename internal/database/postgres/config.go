package postgres

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

const defaultPort = "5432"

// defaultSocketDirs are the directories where distributions put a server's
// socket.
var defaultSocketDirs = [...]string{"/var/run/postgresql", "/run/postgresql", "/tmp"}

func defaultSocketDir() string {
	for _, dir := range defaultSocketDirs {
		if _, err := os.Stat(filepath.Join(dir, ".s.PGSQL."+defaultPort)); err == nil {
			return dir
		}
	}
	return defaultSocketDirs[0] // the server may start later
}

// config makes the driver's configuration. What the driver would look for by
// itself, in the environment or in files, is settled here, so that it looks for
// nothing. Its errors are not passed on: they repeat what they could not read.
func (m dsnOptions) config(o *database.OpenContext) *pgx.ConnConfig {
	addresses := m.hosts(o)
	m.choice(o, "target_session_attrs", "any", "read-write", "read-only", "primary", "standby", "prefer-standby")
	m.choice(o, "channel_binding", "prefer", "disable", "require")
	timeout := m.timeout(o)
	m.tls(o)
	m.findPassword(o)
	if o.Failed() {
		return nil
	}
	c, err := pgx.ParseConfig(m.text())
	switch {
	case err != nil && m["sslcert"] != "":
		o.Refuse("dsn", "names a client certificate and key that cannot be loaded", "name both, in PEM, readable for the account that dbsep runs as, and sslpassword= if the key has one")
		return nil
	case err != nil:
		o.Refuse("dsn", "cannot be used by the driver", "compare it with the manual")
		return nil
	}
	c.ConnectTimeout = timeout // for each host
	c.DialFunc = dial
	c.RuntimeParams = m.session(o)
	if o.MaxRowBytes > 0 {
		c.MaxProtocolMessageBodyLen = messageBytes(o.MaxRowBytes)
	}
	c.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := settleSession(ctx, conn, m["options"]); err != nil || o.InitCommand == "" {
			return err
		}
		return conn.Exec(ctx, o.InitCommand).Close() // several statements, perhaps
	}
	m.limitTLS(o, c)
	find := c.LookupFunc
	c.LookupFunc = lookup(func(ctx context.Context, host string) ([]string, error) {
		if known := addresses[host]; known != nil {
			return known, nil
		}
		return find(ctx, host)
	})
	return c
}

// text writes down what the driver needs to know. Everything that it would look
// up in the environment is there, even where it is empty.
func (m dsnOptions) text() string {
	var text strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	add := func(name, value string) { fmt.Fprintf(&text, "%s='%s' ", name, escape.Replace(value)) }
	for _, name := range [...]string{
		"host", "port", "dbname", "user", "password", "passfile", "target_session_attrs", "channel_binding", "require_auth",
		"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcertmode", "sslsni", "sslnegotiation",
		"min_protocol_version", "max_protocol_version",
	} {
		add(name, m[name])
	}
	if m["service"] != "" {
		add("service", m["service"])
		add("servicefile", m["servicefile"])
	}
	add("connect_timeout", "0")
	return text.String()
}

// session is what the server sets for a connection. A pooler knows few of its
// parameters. So there are only the first two and those that the DSN requests.
func (m dsnOptions) session(o *database.OpenContext) map[string]string {
	session := map[string]string{"client_encoding": "UTF8", "application_name": "dbsep"}
	set := func(name, value string) {
		if value != "" {
			session[name] = value
		}
	}
	set("application_name", m["fallback_application_name"])
	set("application_name", m["application_name"])
	set("options", m["options"])
	set("timezone", o.Environ("PGTZ"))
	set("datestyle", o.Environ("PGDATESTYLE"))
	set("geqo", o.Environ("PGGEQO"))
	return session
}

// hosts makes the lists of hosts and ports complete and returns the addresses of
// those hosts that have hostaddr beside them.
func (m dsnOptions) hosts(o *database.OpenContext) (addresses map[string][]string) {
	hosts := strings.Split(m["host"], ",")
	numeric := strings.Split(m["hostaddr"], ",")
	if m["hostaddr"] == "" {
		numeric = nil
	}
	if len(numeric) > 0 && m["host"] == "" {
		hosts = make([]string, len(numeric))
	}
	ports := strings.Split(m["port"], ",")
	if len(numeric) > 0 && len(numeric) != len(hosts) || len(ports) > 1 && len(ports) != len(hosts) {
		o.Refuse("dsn", "has lists of hosts, addresses or ports that differ in length", "give one port for all hosts, or one for each")
		return nil
	}
	addresses = make(map[string][]string)
	for i := range hosts {
		if i < len(numeric) && numeric[i] != "" {
			if _, err := netip.ParseAddr(numeric[i]); err != nil {
				o.Refuse("dsn", "has a hostaddr that is no numeric address", "write a name as host=")
			}
			if hosts[i] == "" || hosts[i][0] == '/' {
				hosts[i] = numeric[i]
			}
			addresses[hosts[i]] = append(addresses[hosts[i]], numeric[i])
		}
		if hosts[i] == "" {
			hosts[i] = defaultSocketDir()
		}
	}
	for i, p := range ports {
		if p == "" {
			ports[i] = defaultPort
		} else if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			o.Refuse("dsn", "has a port that is no number from 1 to 65535", "write port="+defaultPort)
		}
	}
	m["host"], m["port"] = strings.Join(hosts, ","), strings.Join(ports, ",")
	return addresses
}

// address says where the options lead, once hosts has completed them.
func (m dsnOptions) address() string {
	ports := strings.Split(m["port"], ",")
	var all []string
	for i, host := range strings.Split(m["host"], ",") {
		port := ports[min(i, len(ports)-1)]
		if host[0] == '/' {
			all = append(all, "unix("+filepath.Join(host, ".s.PGSQL."+port)+")")
		} else {
			all = append(all, net.JoinHostPort(host, port))
		}
	}
	return strings.Join(all, ",") + "/" + m["dbname"]
}

// choice checks an option that has few values. The first is the default.
func (m dsnOptions) choice(o *database.OpenContext, name string, values ...string) {
	if m[name] == "" {
		m[name] = values[0]
	}
	if !slices.Contains(values, m[name]) {
		o.Refuse("dsn", "sets "+name+" to something that it cannot be", "write one of "+strings.Join(values, ", "))
	}
}

// timeout is the time limit of a login at one host: that of dbsep.conf's section, or
// else that of the DSN.
func (m dsnOptions) timeout(o *database.OpenContext) time.Duration {
	if m["connect_timeout"] == "" {
		return o.LoginTimeout()
	}
	seconds, err := strconv.ParseInt(m["connect_timeout"], 10, 31)
	if err != nil {
		o.Refuse("dsn", "has connect_timeout with something that is no number of seconds", "write a whole number")
	}
	if o.ConnectTimeout > 0 || seconds <= 0 { // libpq waits forever then
		return o.LoginTimeout()
	}
	return time.Duration(seconds) * time.Second
}

// findPassword names the file that has the password where nothing else has it.
func (m dsnOptions) findPassword(o *database.OpenContext) {
	file := m["passfile"]
	named := file != ""
	if !named {
		file = dsn.InHome(o.Environ, ".pgpass")
	}
	m["passfile"] = ""
	if m["password"] != "" || file == "" {
		return
	}
	if _, err := dsn.ReadFile(file); err == nil {
		m["passfile"] = file
	} else if named {
		o.Warn("dsn", fmt.Sprintf("names the passfile %s, which cannot be read", file), "let the account that dbsep runs as read it, or set dbpass")
	}
}

// tls settles the options that begin with ssl. As in libpq they do not count
// for sockets, and a server's certificate is verified where sslmode says so, or
// where there is a file to verify it with.
func (m dsnOptions) tls(o *database.OpenContext) {
	m.choice(o, "sslmode", "prefer", "disable", "allow", "require", "verify-ca", "verify-full")
	m.choice(o, "sslnegotiation", "postgres", "direct")
	m.choice(o, "sslcertmode", "allow", "disable", "require")
	sockets := !slices.ContainsFunc(strings.Split(m["host"], ","), func(host string) bool { return host == "" || host[0] != '/' })
	if sockets || m["sslmode"] == "disable" {
		m["sslrootcert"], m["sslcert"], m["sslkey"] = "", "", ""
		return
	}
	m.rootCertificate(o)
	own, key := dsn.InHome(o.Environ, ".postgresql", "postgresql.crt"), dsn.InHome(o.Environ, ".postgresql", "postgresql.key")
	if m["sslcert"] == "" && isPlain(own) && isPlain(key) {
		m["sslcert"] = own
	}
	if m["sslcert"] != "" && m["sslkey"] == "" {
		m["sslkey"] = key
	}
	for _, name := range [...]string{"sslcert", "sslkey"} {
		if m[name] != "" && !isPlain(m[name]) {
			o.Refuse("dsn", fmt.Sprintf("names %s=%s, which cannot be read", name, m[name]), "name a PEM file that the account that dbsep runs as may read")
		}
	}
}

// rootCertificate settles what the server's certificate is verified with.
func (m dsnOptions) rootCertificate(o *database.OpenContext) {
	verify := strings.HasPrefix(m["sslmode"], "verify-")
	file := m["sslrootcert"]
	if file == "system" {
		return
	}
	if file == "" {
		file = dsn.InHome(o.Environ, ".postgresql", "root.crt")
	}
	switch {
	case isPlain(file):
		m["sslrootcert"] = file
		roots, _ := dsn.ReadFile(file)
		if !hasCertificate(roots) {
			o.Refuse("dsn", fmt.Sprintf("names the CA file %s, from which no certificate can be read", file), "name a PEM file")
		}
	case verify:
		o.Refuse("dsn", fmt.Sprintf("asks for sslmode=%s, but the CA file %s cannot be read", m["sslmode"], file),
			"name the file with sslrootcert=, or write sslrootcert=system for the certificates of the system")
	default:
		if m["sslrootcert"] != "" {
			o.Warn("dsn", fmt.Sprintf("names the CA file %s, which cannot be read, so the server's certificate is not verified", file), "correct sslrootcert, and write sslmode=verify-full")
		}
		m["sslrootcert"] = ""
	}
}

func isPlain(file string) bool {
	_, err := dsn.ReadFile(file)
	return err == nil
}

// limitTLS limits the version of TLS.
func (m dsnOptions) limitTLS(o *database.OpenContext, c *pgx.ConnConfig) {
	versions := map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	limit := func(option string) uint16 {
		version, known := versions[m[option]]
		if m[option] != "" && !known {
			o.Refuse("dsn", "sets "+option+" to something that is no version of TLS", "write TLSv1.2 or TLSv1.3")
		}
		return version
	}
	lowest, highest := limit("ssl_min_protocol_version"), limit("ssl_max_protocol_version")
	apply := func(config *tls.Config) {
		if config != nil {
			config.MinVersion, config.MaxVersion = max(lowest, tls.VersionTLS12), highest
		}
	}
	apply(c.TLSConfig)
	for _, f := range c.Fallbacks {
		apply(f.TLSConfig)
	}
}

// messageBytes returns how long a message with a row may be: the server sends bytes as
// two digits each, and the length of each column.
func messageBytes(maxRowBytes int64) int { return int(min(2*maxRowBytes+64<<10, math.MaxInt32)) }
