package database

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/microsoft/go-mssqldb/msdsn"
)

// sqlserverOptions are the settings of a connection, by the names that the Perl
// driver gives them in a DSN, and those that it leaves to FreeTDS by the names of
// freetds.conf: "encryption", "instance", "ca file" and so on. A DSN may set
// these as well.
type sqlserverOptions map[string]string

// sqlserverKnown are the options of DSNs, and what is to be said of one that
// has no effect here. Nothing is said of those that have theirs, or without which
// nothing is lost.
var sqlserverKnown = map[string]string{
	"server": "", "host": "", "port": "", "database": "", "hostname": "", "scriptName": "",
	"packetSize": "", "loginTimeout": "", "sslCAFile": "", "interfaces": "",
	"charset": "", "serverType": "", "tdsLevel": "", "kerberos": "", // see check

	"instance": "", "encryption": "", "ca file": "", "check certificate hostname": "", "enable tls v1": "",
	"read-only intent": "", "tds version": "", "client charset": "", "connect timeout": "",

	"maxConnect": "", "bulkLogin": "", "tds_keepalive": "", "encryptPassword": "", "text size": "",

	"timeout":  "a statement has the time of statement_timeout in the section [limits]",
	"language": "messages are told apart by their numbers, and dates begin with the year",
}

// sqlserverAttributes tell the Perl driver how to hand statements and rows over.
const sqlserverAttributes = "syb_"

// readSQLServerDSN reads the part of a DSN after "DBI:Sybase:" as DBD::Sybase
// does, and completes it from the environment and from freetds.conf.
func readSQLServerDSN(o *opening) sqlserverOptions {
	options := make(sqlserverOptions)
	for _, a := range o.attributes {
		switch {
		case a.name == "user": // of an ODBC source; a DSN of DBI:Sybase has none
			o.User = a.value
		case a.name == "password":
			o.Password = a.value
		case !strings.HasPrefix(a.name, sqlserverAttributes):
			options.set(o, a.name, a.value)
		}
	}
	for part := range strings.SplitSeq(o.rest, ";") {
		name, value, named := strings.Cut(part, "=")
		switch {
		case named:
			options.set(o, name, value)
		case strings.TrimSpace(part) != "":
			o.refuse("dsn", "holds something that is no name=value", "write DBI:Sybase:server=...;database=...")
		}
	}
	options.find(o)
	options.check(o)
	return options
}

// set takes a part or an attribute. The values of those that are not known stay
// untold.
func (m sqlserverOptions) set(o *opening, name, value string) {
	lost, known := sqlserverKnown[name]
	switch {
	case known && lost == "":
		m[name] = strings.TrimSpace(value)
	case known:
		o.warn("dsn", fmt.Sprintf("sets %s, which has no effect: %s", name, lost), "remove it")
	case optionName.MatchString(name):
		o.warn("dsn", fmt.Sprintf("sets %q, which has no effect, as in the Perl driver", name), "remove it, or correct its name; names are case-sensitive")
	default:
		o.refuse("dsn", "sets a name that no option has", "write DBI:Sybase:server=...;database=...")
	}
}

// fall sets an option that is not set yet.
func (m sqlserverOptions) fall(name, value string) {
	if m[name] == "" {
		m[name] = value
	}
}

// find settles where the server is. A server's name is that of an entry of
// freetds.conf or else that of its host, perhaps with a port or an instance.
func (m sqlserverOptions) find(o *opening) {
	name := m["server"]
	if name == "" {
		name = o.Environ("DSQUERY")
	}
	if name == "" {
		name = "SYBASE"
	}
	entry, found := readFreeTDS(o, name)
	if m["host"] != "" {
		entry["host"], entry["port"], entry["instance"] = "", "", "" // of another server
	}
	m.fall("host", o.Environ("TDSHOST"))
	m.fall("port", o.Environ("TDSPORT"))
	for option, value := range entry {
		m.fall(option, value)
	}
	switch {
	case m["host"] != "":
	case found:
		o.refuse("dsn", fmt.Sprintf("names the entry %q of freetds.conf, which has no host", name), "add a line host = ... to it")
	case m["server"] == "":
		o.refuse("dsn", "names no server", "write DBI:Sybase:server=...;database=..., with the name of a host or of an entry of freetds.conf")
	default:
		m.place(name)
	}
}

// place takes a server's name as its host's, as "host", "host:port" or
// "host\instance".
func (m sqlserverOptions) place(name string) {
	host, instance, found := strings.Cut(name, `\`)
	if found {
		m["host"] = host
		m.fall("instance", instance)
		return
	}
	if host, port, err := net.SplitHostPort(name); err == nil {
		m["host"] = host
		m.fall("port", port)
		return
	}
	m["host"] = strings.Trim(name, "[]")
}

// check refuses what would reach another server or another login, and tells of
// options that mean something else than they did to Perl.
func (m sqlserverOptions) check(o *opening) {
	level := strings.NewReplacer("CS_TDS_", "", ".", "").Replace(m["tdsLevel"])
	if strings.EqualFold(m["serverType"], "ASE") || level == "50" || level == "495" || m["tds version"] == "5.0" {
		o.refuse("dsn", "asks for a server of Sybase (serverType=ASE, or version 5.0 of TDS), to which dbsep does not speak",
			"remove serverType and tdsLevel, and tds version in freetds.conf, where the server is a Microsoft SQL Server")
	}
	if m["kerberos"] != "" {
		o.refuse("dsn", "asks for a login by Kerberos, which dbsep does not have", "remove kerberos, and set dbuser and dbpass")
	}
	if m["interfaces"] != "" {
		o.warn("dsn", "names an interfaces file, which is not read", "name the server by host=...;port=...")
	}
	for _, name := range [...]string{"charset", "client charset"} {
		if charset := strings.ReplaceAll(m[name], "-", ""); charset != "" && !strings.EqualFold(charset, "utf8") {
			o.warn("dsn", fmt.Sprintf("sets another %s than UTF-8; here characters are always UTF-8", name), "remove it, in dsn or freetds.conf")
		}
	}
	if o.User == "" {
		o.refuse("dbuser", "is missing, and SQL Server has no login without a name", "set dbuser and dbpass")
	}
}

// config makes the driver's configuration and the bound of a login. It never
// becomes a text, in which a password would have to be escaped.
func (m sqlserverOptions) config(o *opening) (config msdsn.Config, timeout time.Duration) {
	config = msdsn.Config{
		Host: m["host"], Instance: m["instance"], Database: m["database"], User: o.User, Password: o.Password,
		Workstation: m["hostname"], AppName: "dbsep",
		Protocols: []string{"tcp"}, DialTimeout: -1, NoTraceID: true, ReadOnlyIntent: isYes(m["read-only intent"]),
	}
	if config.Workstation == "" {
		config.Workstation, _ = os.Hostname()
	}
	if m["scriptName"] != "" {
		config.AppName = m["scriptName"]
	}
	config.Port = m.number(o, "port", 1, 65535)
	if config.Port != 0 {
		config.Instance = ""
	}
	config.PacketSize = uint16(m.number(o, "packetSize", 512, 32767))
	m.fall("loginTimeout", m["connect timeout"])
	timeout = time.Duration(m.number(o, "loginTimeout", 0, 1<<31-1)) * time.Second
	if o.ConnectTimeout != 0 || timeout == 0 {
		timeout = o.connectTimeout()
	}
	m.encrypt(o, &config)
	return config, timeout
}

// number reads an option, 0 where it is not set.
func (m sqlserverOptions) number(o *opening, name string, low, high uint64) uint64 {
	if m[name] == "" {
		return 0
	}
	n, err := strconv.ParseUint(m[name], 10, 32)
	if err != nil || n < low || n > high {
		o.refuse("dsn", fmt.Sprintf("has %s with something that is no number from %d to %d", name, low, high), "write a whole number, in dsn or freetds.conf")
		return 0
	}
	return n
}

// encrypt settles what TLS is used for. As with FreeTDS it is the login where
// nothing is said, and everything where the server demands it; and the server's
// certificate is verified where there is something to verify it with.
func (m sqlserverOptions) encrypt(o *opening, config *msdsn.Config) {
	switch mode := m["encryption"]; mode {
	case "", "default", "request":
		config.Encryption = msdsn.EncryptionOff
	case "require":
		config.Encryption = msdsn.EncryptionRequired
	case "strict":
		config.Encryption = msdsn.EncryptionStrict
		m.fall("sslCAFile", m["ca file"])
		m.fall("sslCAFile", "system")
	case "off":
		config.Encryption = msdsn.EncryptionDisabled
		if !isLoopback(config.Host) {
			o.warn("dsn", "sets encryption to off, so the password can be read on its way to another host", "set encryption to require, in dsn or freetds.conf")
		}
		return
	default:
		o.refuse("dsn", "sets encryption to something that it cannot be", "write one of off, request, require, strict, in dsn or freetds.conf")
	}
	m.fall("sslCAFile", m["ca file"])
	config.TLSConfig = &tls.Config{
		ServerName: config.Host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, // verified here:
		DynamicRecordSizingDisabled: true, // the server wants one packet in one record
	}
	if isYes(m["enable tls v1"]) {
		config.TLSConfig.MinVersion = tls.VersionTLS10
	}
	if m["sslCAFile"] == "" {
		return
	}
	if config.Encryption == msdsn.EncryptionOff {
		o.warn("dsn", "names a CA file, but lets the server choose not to encrypt", "set encryption to require, in dsn or freetds.conf")
	}
	roots, host, byName := m.roots(o), config.Host, !isNo(m["check certificate hostname"])
	config.TLSConfig.VerifyConnection = func(s tls.ConnectionState) error {
		if err := verifyChain(s, roots); err != nil || !byName {
			return err
		}
		return s.PeerCertificates[0].VerifyHostname(host)
	}
}

// roots reads the certificates of the CA file, nil for those of the system.
func (m sqlserverOptions) roots(o *opening) *x509.CertPool {
	file := m["sslCAFile"]
	if file == "system" {
		return nil
	}
	roots := x509.NewCertPool()
	if pem, err := readPlain(file); err != nil || !roots.AppendCertsFromPEM([]byte(pem)) {
		o.refuse("dsn", fmt.Sprintf("names the CA file %s, from which no certificate can be read", file), "name a PEM file that the account that dbsep runs as may read, or system")
	}
	return roots
}

// isYes and isNo are FreeTDS's idea of it.
func isYes(value string) bool {
	return value == "1" || strings.EqualFold(value, "on") || strings.EqualFold(value, "yes") || strings.EqualFold(value, "true")
}

func isNo(value string) bool {
	return value == "0" || strings.EqualFold(value, "off") || strings.EqualFold(value, "no") || strings.EqualFold(value, "false")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sqlserverAddress says where a configuration leads.
func sqlserverAddress(config msdsn.Config) string {
	server := config.Host + `\` + config.Instance
	if config.Instance == "" {
		port := config.Port
		if port == 0 {
			port = 1433
		}
		server = net.JoinHostPort(config.Host, strconv.FormatUint(port, 10))
	}
	return server + "/" + config.Database
}
