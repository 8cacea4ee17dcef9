package dsn

import (
	"net/url"
	"strings"
)

// odbcPostgres describes psqlODBC, which passes its settings to PostgreSQL's client
// library.
var odbcPostgres = &nativeDriver{
	driver:    "Pg",
	libraries: []string{"psqlodbc", "libpsqlodbc"},
	words:     []string{"postgres", "psqlodbc"},
	translate: translatePostgres,
	keys: odbcKeys(`
		fetch a7 socket a8 b2 b3 protocol a1 optimizer b4 ksqo b5 uniqueindex unknownsizes a9 usedeclarefetch b6 textaslongvarchar b7
		unknownsaslongvarchar b8 boolsaschar b9 maxvarcharsize b0 maxlongvarcharsize b1 fakeoidindex a2 showoidcolumn a3 rowversioning a4
		showsystemtables a5 parse c0 extrasystableprefixes c2 updatablecursors c4 bi byteaaslongvarbinary c7 useserversideprepare c8
		lowercaseidentifier c9 keepalivetime d1 keepaliveinterval d2 keepalivecount numericas d6 optionalerrors d7 batchsize d8
		ignoretimeout d9 fetchrefcursors da ab cx uid2 xaopt disallowpremature nullterm`,
		map[string]odbcKey{
			"servername": {means: "host"}, "server": {means: "host"}, "port": {means: "port"}, "database": {means: "dbname"},
			"username": {means: "user"}, "uid": {means: "user"}, "password": {means: "password"}, "pwd": {means: "password"},
			"sslmode": {means: "sslmode"}, "ca": {means: "sslmode"},

			// For translatePostgres.
			"connsettings": {means: "connsettings"}, "a6": {means: "connsettings"},
			"readonly": {means: "readonly"}, "a0": {means: "readonly"},
			"pqopt": {means: "pqopt"}, "d5": {means: "pqopt"},

			"trueisminus1": {lost: "truth values are 1 and 0", harmless: "0"}, "c6": {lost: "truth values are 1 and 0", harmless: "0"},
			"lfconversion": {lost: "ends of lines are read as they are stored", harmless: "0"}, "c5": {lost: "ends of lines are read as they are stored", harmless: "0"},
			"gssauthusegss": {lost: "there is no login by Kerberos", harmless: "0"}, "d4": {lost: "there is no login by Kerberos", harmless: "0"},
		}),
}

// odbcSSLModes are the short forms of sslmode by their first letter.
var odbcSSLModes = map[string]string{"d": "disable", "a": "allow", "p": "prefer", "r": "require", "c": "verify-ca", "f": "verify-full"}

func translatePostgres(d *Diagnostics, s *odbcSource, m map[string]string, native *DSN) {
	for _, name := range [...]string{"Server", "UID", "PWD", "User"} {
		if _, stored := Last(s.stored, name); stored {
			d.Warn("dsn", "leads to an odbc.ini that sets "+name+", which psqlODBC reads in a connection string only; here it counts", "write Servername, Username and Password there")
		}
	}
	mode := strings.ToLower(m["sslmode"])
	if long, short := odbcSSLModes[mode]; short {
		mode = long
	}
	if mode != "" {
		m["sslmode"] = mode
	}
	native.InitCommand = odbcConnSettings(take(m, "connsettings"))
	readOnly := isOn(take(m, "readonly"))
	addPqopt(d, m, take(m, "pqopt"))
	if readOnly {
		m["options"] = strings.TrimSpace(m["options"] + " -c default_transaction_read_only=on")
	}
}

// odbcConnSettings is SQL that may have been written as in a URL; then it holds
// no spaces.
func odbcConnSettings(text string) string {
	if strings.ContainsAny(text, " \t") {
		return text
	}
	if decoded, err := url.QueryUnescape(text); err == nil {
		return decoded
	}
	return text
}

// addPqopt adds options of the client library. Its package knows their names.
func addPqopt(d *Diagnostics, m map[string]string, text string) {
	for rest := strings.TrimLeft(text, Spaces); rest != ""; {
		var p Option
		p, rest = CutOption(rest)
		if p.Mistake != "" {
			d.Refuse("dsn", "sets pqopt to something that PostgreSQL does not understand", "write pqopt={name=value name=value}")
			return
		}
		if m[p.Name] == "" {
			m[p.Name] = p.Value
		}
	}
}
