package database

import (
	"path/filepath"
	"strings"
)

// odbcSQLServer stands for FreeTDS and for Microsoft's own driver.
var odbcSQLServer = &odbcNative{
	driver:    sqlserver.drivers[0],
	libraries: []string{"libtdsodbc", "libmsodbcsql"},
	words:     []string{"freetds", "sql server"},
	translate: translateSQLServer,
	keys: odbcKeys(`
		language quotedid ansinpw mars_connection multisubnetfailover regional autotranslate useprocforprepare attachdbfilename
		statslog_on querylog_on dumpfile dumpfileappend debugflags loglevel texttruncate connectretrycount connectretryinterval
		transparentnetworkipresolution keepalive keepaliveinterval timeout preparestatement`,
		map[string]odbcKey{
			"servername": {means: "server"}, "port": {means: "port"}, "database": {means: "database"},
			"uid": {means: "user"}, "user": {means: "user"}, "pwd": {means: "password"}, "password": {means: "password"},
			"app": {means: "scriptName"}, "wsid": {means: "hostname"}, "tds_version": {means: "tds version"},
			"clientcharset": {means: "client charset"}, "encryption": {means: "encryption"}, "readonlyintent": {means: "read-only intent"},
			"packet size": {means: "packetSize"}, "packetsize": {means: "packetSize"},

			// For translateSQLServer.
			"server": {means: "address"}, "address": {means: "address"}, "addr": {means: "address"},
			"encrypt": {means: "encrypt"}, "trustservercertificate": {means: "trust"},
			"trusted_connection": {means: "trusted"}, "applicationintent": {means: "intent"},

			"authentication":        {lost: "there is only a login by name and password", harmless: "sqlpassword", refused: true},
			"servercertificate":     {lost: "certificates are verified by their CA only", refused: true},
			"hostnameincertificate": {lost: "a certificate has to have the name of the host", refused: true},
			"serverspn":             {lost: "there is no login by Kerberos"},
			"failover_partner":      {lost: "there is one server"},
			"columnencryption":      {lost: "columns are not decrypted", harmless: "disabled", refused: true},
		}),
}

func translateSQLServer(o *opening, s *odbcSource, m map[string]string) {
	if address := take(m, "address"); address != "" {
		placeSQLServer(m, address)
	}
	if isOn(take(m, "trusted")) {
		m["kerberos"] = "1" // refused there
	}
	if strings.EqualFold(take(m, "intent"), "ReadOnly") {
		m["read-only intent"] = "yes"
	}
	encrypt, trust := strings.ToLower(take(m, "encrypt")), isOn(take(m, "trust"))
	library := strings.ToLower(filepath.Base(s.library) + " " + s.driver)
	if strings.Contains(library, "freetds") || strings.Contains(library, "tdsodbc") {
		return
	}
	if encrypt == "" && (strings.Contains(library, "sql-18") || strings.Contains(library, "driver 18")) {
		encrypt = "yes" // its default since this version
	}
	switch encrypt {
	case "", "no", "optional":
		return
	case "yes", "mandatory":
		m["encryption"] = "require"
	case "strict":
		m["encryption"], trust = "strict", false
	default:
		o.refuse("dsn", "sets Encrypt to something that it cannot be", "write one of no, yes, strict")
	}
	if !trust {
		m["sslCAFile"] = "system"
	}
}

// placeSQLServer takes an address apart: "tcp:host\instance,port", of which only
// the host has to be there.
func placeSQLServer(m map[string]string, address string) {
	if len(address) > 4 && strings.EqualFold(address[:4], "tcp:") {
		address = address[4:]
	}
	address, port, found := strings.Cut(address, ",")
	if found {
		m["port"] = strings.TrimSpace(port)
	}
	host, instance, found := strings.Cut(address, `\`)
	if found {
		m["instance"] = instance
	}
	if host == "." || strings.EqualFold(host, "(local)") {
		host = "localhost"
	}
	m["host"] = strings.TrimSpace(host)
}
