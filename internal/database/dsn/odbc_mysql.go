package dsn

import (
	"maps"
	"strconv"
	"strings"
)

// odbcMariaDB describes MariaDB Connector/ODBC, odbcMySQL describes MySQL
// Connector/ODBC. They read nearly the same settings.
var (
	odbcMariaDB = &nativeDriver{
		driver:    "mysql",
		libraries: []string{"libmaodbc"},
		words:     []string{"mariadb"},
		keys:      odbcMySQLKeys,
		translate: func(d *Diagnostics, _ *odbcSource, m map[string]string, _ *DSN) {
			translateMySQL(d, m)
			// Without a socket it takes the network, for "localhost" as well.
			if m["mysql_socket"] != "" {
				m["host"] = ""
			} else if m["host"] == "" || m["host"] == "localhost" {
				m["host"] = "127.0.0.1"
			}
		},
	}
	odbcMySQL = &nativeDriver{
		driver:    "mysql",
		libraries: []string{"libmyodbc", "myodbc"},
		words:     []string{"mysql"},
		keys:      odbcMySQLKeys,
		translate: func(d *Diagnostics, _ *odbcSource, m map[string]string, _ *DSN) { translateMySQL(d, m) },
	}
)

var odbcMySQLKeys = odbcKeys(`
	plugin_dir auto_reconnect no_prompt forwardonly interactive namedpipe named_pipe dynamic_cursor no_default_cursor no_locale
	full_column_names ignore_space no_bigint no_catalog safe no_transactions log_query no_cache forward_cursor auto_is_null
	column_size_s32 no_binary_result dflt_bigint_bind_str no_ssps no_i_s no_schema prefetch can_handle_exp_pwd found_rows big_packets
	enable_cleartext_plugin get_server_public_key default_auth tlsversion tls-versions no_tls_1_0 no_tls_1_1 no_tls_1_2 no_tls_1_3
	enable_local_infile load_data_local_dir serverkey rsakey disable_ssl_default`,
	map[string]odbcKey{
		"server": {means: "host"}, "servername": {means: "host"}, "port": {means: "port"}, "socket": {means: "mysql_socket"},
		"database": {means: "database"}, "db": {means: "database"},
		"user": {means: "user"}, "uid": {means: "user"}, "password": {means: "password"}, "pwd": {means: "password"},
		"initstmt": {means: "mysql_init_command"}, "conn_timeout": {means: "mysql_connect_timeout"},
		"readtimeout": {means: "mysql_read_timeout"}, "writetimeout": {means: "mysql_write_timeout"},
		"compressed_proto": {means: "mysql_compression"},
		"sslca":            {means: "mysql_ssl_ca_file"}, "ssl-ca": {means: "mysql_ssl_ca_file"},
		"sslcapath": {means: "mysql_ssl_ca_path"}, "ssl-capath": {means: "mysql_ssl_ca_path"},
		"sslcert": {means: "mysql_ssl_client_cert"}, "ssl-cert": {means: "mysql_ssl_client_cert"},
		"sslkey": {means: "mysql_ssl_client_key"}, "ssl-key": {means: "mysql_ssl_client_key"},

		// For translateMySQL.
		"option": {means: "option"}, "options": {means: "option"}, "charset": {means: "charset"}, "tcpip": {means: "tcpip"},
		"forcetls": {means: "forcetls"}, "ssl_enforce": {means: "forcetls"}, "sslverify": {means: "sslverify"},
		"sslmode": {means: "sslmode"}, "ssl-mode": {means: "sslmode"},
		"use_mycnf": {means: "use_mycnf"},

		"sslcipher":        {lost: "TLS chooses its ciphers itself"},
		"ssl-cipher":       {lost: "TLS chooses its ciphers itself"},
		"multi_statements": {lost: "one request stays one statement", harmless: "0"},
		"pad_space":        {lost: "CHAR columns are read without the spaces that fill them up", harmless: "0"},
		"zero_date_to_min": {lost: "dates are read as they are stored", harmless: "0"},
		"min_date_to_zero": {lost: "dates are stored as they are sent", harmless: "0"},
		"multi_host":       {lost: "there is one host", harmless: "0"},
		"enable_dns_srv":   {lost: "hosts are not looked up as services", harmless: "0", refused: true},

		"sslcrl":     {lost: "revoked certificates are not looked up", refused: true},
		"sslcrlpath": {lost: "revoked certificates are not looked up", refused: true},
		"ssl-crl":    {lost: "revoked certificates are not looked up", refused: true},
		"tlspeerfp":  {lost: "certificates are not told by their fingerprints", refused: true},
		"sslfp":      {lost: "certificates are not told by their fingerprints", refused: true},
		"tlskeypwd":  {lost: "keys with a password are not read", refused: true},

		"tlspeerfplist": {lost: "certificates are not told by their fingerprints", refused: true},
		"sslfplist":     {lost: "certificates are not told by their fingerprints", refused: true},
	})

// The bits of OPTION that change what dbsep does, or would change the response to a
// request.
const (
	mysqlPadSpace        = 1 << 9
	mysqlCompressed      = 1 << 11
	mysqlUseMyCnf        = 1 << 16
	mysqlZeroDateToMin   = 1 << 24
	mysqlMinDateToZero   = 1 << 25
	mysqlMultiStatements = 1 << 26
)

func translateMySQL(d *Diagnostics, m map[string]string) {
	if m["database"] == "" {
		d.Refuse("dsn", "leads to no database", "write DATABASE=..., in the DSN or in odbc.ini")
	}
	translateMySQLOptions(d, m)
	if charset := take(m, "charset"); charset != "" && !strings.HasPrefix(strings.ToLower(charset), "utf8") {
		d.Warn("dsn", "sets another CHARSET than utf8mb4; here characters are always utf8mb4", "remove it; rows that the Perl script wrote may hold characters that are encoded twice")
	}
	if isOn(take(m, "tcpip")) {
		delete(m, "mysql_socket")
		if m["host"] == "" || m["host"] == "localhost" {
			m["host"] = "127.0.0.1"
		}
	}
	if isOn(take(m, "use_mycnf")) {
		m["mysql_read_default_group"] = "odbc"
	}
	translateMySQLTLS(d, m)
}

func translateMySQLOptions(d *Diagnostics, m map[string]string) {
	text := take(m, "option")
	bits, err := strconv.ParseUint(text, 10, 64)
	if text != "" && err != nil {
		d.Warn("dsn", "sets OPTION to something that is no number", "write the sum of the options, or remove it")
	}
	for _, option := range [...]struct {
		bit  uint64
		lost string
	}{
		{mysqlPadSpace, odbcMySQLKeys["pad_space"].lost},
		{mysqlZeroDateToMin, odbcMySQLKeys["zero_date_to_min"].lost},
		{mysqlMinDateToZero, odbcMySQLKeys["min_date_to_zero"].lost},
		{mysqlMultiStatements, odbcMySQLKeys["multi_statements"].lost},
	} {
		if bits&option.bit != 0 {
			d.Warn("dsn", "sets the bit "+strconv.FormatUint(option.bit, 10)+" of OPTION, which has no effect: "+option.lost, "take it off")
		}
	}
	if bits&mysqlCompressed != 0 {
		m["mysql_compression"] = "1"
	}
	if bits&mysqlUseMyCnf != 0 {
		m["use_mycnf"] = "1"
	}
}

// translateMySQLTLS switches TLS on where the drivers do: by a setting of its
// own, or by any file for it.
func translateMySQLTLS(d *Diagnostics, m map[string]string) {
	forced, verify := isOn(take(m, "forcetls")), isOn(take(m, "sslverify"))
	files := m["mysql_ssl_ca_file"]+m["mysql_ssl_ca_path"]+m["mysql_ssl_client_cert"]+m["mysql_ssl_client_key"] != ""
	on, optional := forced || verify || files, false
	switch mode := strings.ToUpper(take(m, "sslmode")); mode {
	case "":
	case "DISABLED":
		on, verify = false, false
	case "PREFERRED":
		on, optional = true, true
	case "REQUIRED":
		on = true
	case "VERIFY_CA", "VERIFY_IDENTITY":
		on, verify = true, mode == "VERIFY_IDENTITY"
		if m["mysql_ssl_ca_file"]+m["mysql_ssl_ca_path"] == "" {
			d.Refuse("dsn", "asks for SSLMODE="+mode+" but names no CA certificate", "add SSLCA=...")
		}
	default:
		d.Refuse("dsn", "sets SSLMODE to something that it cannot be", "write one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY")
	}
	if !on {
		maps.DeleteFunc(m, func(name, _ string) bool { return strings.HasPrefix(name, "mysql_ssl") })
		return
	}
	m["mysql_ssl"] = "1"
	if optional {
		m["mysql_ssl_optional"] = "1"
	}
	if verify {
		m["mysql_ssl_verify_server_cert"] = "1"
	}
}
