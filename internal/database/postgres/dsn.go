package postgres

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

// dsnOptions are the settings of a connection by the names of libpq, the C library
// to which the Perl driver passed the DSN. One that is set to the empty text is not
// the same as one that is not set: no other source is read for it.
type dsnOptions map[string]string

// An optionInfo is what is known of an option.
type optionInfo struct {
	variable string // of the environment, that sets it where nothing else does
	lost     string // why it has no effect here; empty where it has its own or none is missed
	harmless string // values, with a space between, with which nothing is lost
	refused  bool   // to continue without it would be less safe than the Perl script was
}

// knownOptions are libpq's options.
var knownOptions = map[string]optionInfo{
	"host":                 {variable: "PGHOST"},
	"hostaddr":             {variable: "PGHOSTADDR"},
	"port":                 {variable: "PGPORT"},
	"dbname":               {variable: "PGDATABASE"},
	"user":                 {variable: "PGUSER"},
	"password":             {variable: "PGPASSWORD"},
	"passfile":             {variable: "PGPASSFILE"},
	"service":              {variable: "PGSERVICE"},
	"connect_timeout":      {variable: "PGCONNECT_TIMEOUT"},
	"target_session_attrs": {variable: "PGTARGETSESSIONATTRS"},
	"options":              {variable: "PGOPTIONS"},
	"application_name":     {variable: "PGAPPNAME"},
	"client_encoding":      {variable: "PGCLIENTENCODING"},

	"sslmode":                  {variable: "PGSSLMODE"},
	"sslrootcert":              {variable: "PGSSLROOTCERT"},
	"sslcert":                  {variable: "PGSSLCERT"},
	"sslkey":                   {variable: "PGSSLKEY"},
	"sslpassword":              {},
	"sslcertmode":              {variable: "PGSSLCERTMODE"},
	"sslsni":                   {variable: "PGSSLSNI"},
	"sslnegotiation":           {variable: "PGSSLNEGOTIATION"},
	"ssl_min_protocol_version": {variable: "PGSSLMINPROTOCOLVERSION"},
	"ssl_max_protocol_version": {variable: "PGSSLMAXPROTOCOLVERSION"},
	"channel_binding":          {variable: "PGCHANNELBINDING"},
	"require_auth":             {variable: "PGREQUIREAUTH"},
	"min_protocol_version":     {variable: "PGMINPROTOCOLVERSION"},
	"max_protocol_version":     {variable: "PGMAXPROTOCOLVERSION"},

	"fallback_application_name": {},
	"keepalives":                {}, "keepalives_idle": {}, "keepalives_interval": {}, "keepalives_count": {},
	"tcp_user_timeout": {}, "sslcompression": {variable: "PGSSLCOMPRESSION"}, "requiressl": {}, "tty": {}, "authtype": {},

	"load_balance_hosts": {variable: "PGLOADBALANCEHOSTS", harmless: "disable", lost: "hosts are tried in their order"},
	"krbsrvname":         {variable: "PGKRBSRVNAME", lost: "there is no login by Kerberos"},
	"gsslib":             {variable: "PGGSSLIB", lost: "there is no login by Kerberos"},
	"gssdelegation":      {variable: "PGGSSDELEGATION", harmless: "0", lost: "there is no login by Kerberos"},
	"gssencmode":         {variable: "PGGSSENCMODE", harmless: "disable prefer", lost: "connections are encrypted by TLS only", refused: true},
	"sslcrl":             {variable: "PGSSLCRL", lost: "revoked certificates are not looked up", refused: true},
	"sslcrldir":          {variable: "PGSSLCRLDIR", lost: "revoked certificates are not looked up", refused: true},
	"requirepeer":        {variable: "PGREQUIREPEER", lost: "the account of the server is not looked at", refused: true},
	"replication":        {harmless: "0 off no false", lost: "a replication connection answers no requests", refused: true},
}

// mistakenOptions are names that libpq does not have, and what was meant.
var mistakenOptions = map[string]string{
	"hostname": "host=...", "server": "host=...", "socket": "host= with the socket's directory",
	"username": "user=...", "dbuser": "user=...", "pass": "password=...", "passwd": "password=...", "dbpass": "password=...",
	"schema": "a line dbschema=... of its own", "dbschema": "it on a line of its own", "search_path": "options='-c search_path=...'",
	"ssl": "sslmode=require", "charset": "nothing, characters are UTF-8", "timeout": "connect_timeout=...",
}

// readDSN reads the part of a DSN after "DBI:Pg:" as the Perl driver
// and libpq do. What it leaves open comes from the service that it names, then
// from the environment; dbuser and dbpass come before it.
func readDSN(o *database.OpenContext) dsnOptions {
	options := make(dsnOptions)
	options.parse(o)
	options.given(o)
	if o.User != "" {
		options["user"] = o.User
	}
	if o.Password != "" {
		options["password"] = o.Password
	}
	options.readService(o)
	for name, known := range knownOptions {
		if known.variable != "" {
			options.fall(name, o.Environ(known.variable))
		}
	}
	if options["user"] == "" {
		options["user"] = dsn.LoginName()
	}
	if options["dbname"] == "" {
		options["dbname"] = options["user"]
	}
	options.attributes(o)
	options.warn(o)
	return options
}

// fall sets an option that is not set yet.
func (m dsnOptions) fall(name, value string) {
	if _, set := m[name]; !set && value != "" {
		m[name] = value
	}
}

var (
	// databaseSynonym are the names that the Perl driver renames, and quotedDatabase
	// is what makes it take the double quotes of a DSN for single ones.
	databaseSynonym = regexp.MustCompile(`\b(?:db|database)\s*=`)
	quotedDatabase  = regexp.MustCompile(`dbname\s*=\s*["']`)
)

// parse reads a DSN's parts. Those that are not understood stay untold unless
// they can be nothing but a name: there may be a password in them.
func (m dsnOptions) parse(o *database.OpenContext) {
	text := o.Rest
	if strings.IndexByte(text, 0) >= 0 {
		o.Refuse("dsn", "holds a NUL byte", "remove it")
		return
	}
	text = databaseSynonym.ReplaceAllLiteralString(text, "dbname=")
	if quotedDatabase.MatchString(text) {
		text = strings.ReplaceAll(text, `"`, `'`)
	}
	rest := strings.TrimLeft(spaceSemicolons(text), dsn.Spaces)
	last := dsn.Option{}
	for rest != "" {
		var p dsn.Option
		if p, rest = dsn.CutOption(rest); p.Mistake != "" {
			o.Refuse("dsn", p.Mistake, "write DBI:Pg:dbname=asterisk;host=..., and a value that holds a space or a ; in single quotes")
			return
		}
		m.set(o, p, last)
		last = p
	}
}

// spaceSemicolons makes spaces of the semicolons outside of single quotes. (The
// Perl driver lost count where a quote was in a value, behind a backslash.)
func spaceSemicolons(text string) string {
	spaced, quoted, escaped := []byte(text), false, false
	for i, c := range spaced {
		switch {
		case escaped || c == '\\':
			escaped = !escaped
		case c == '\'':
			quoted = !quoted
		case c == ';' && !quoted:
			spaced[i] = ' '
		}
	}
	return string(spaced)
}

// set takes a part; last is the one before it.
func (m dsnOptions) set(o *database.OpenContext, p, last dsn.Option) {
	if _, known := knownOptions[p.Name]; known {
		m[p.Name] = p.Value
		return
	}
	// Behind an unquoted password with a space is the rest of it.
	secret := !last.Quoted && strings.HasSuffix(last.Name, "password")
	if secret || !dsn.IsOptionName(p.Name) {
		o.Refuse("dsn", "sets a name that PostgreSQL does not have", "put a value that holds a space or a ; in single quotes")
		return
	}
	hint := "remove it, or correct its name"
	switch meant, known := mistakenOptions[strings.ToLower(p.Name)]; {
	case known:
		hint = "write " + meant
	case strings.HasPrefix(p.Name, "pg_"):
		hint = "write DBI:Pg(" + p.Name + "=>...):..., or remove it"
	}
	o.Refuse("dsn", fmt.Sprintf("sets %q, which PostgreSQL does not have", p.Name), hint)
}

// given takes the options of a translated DSN. One that PostgreSQL does not have
// is from pqopt of odbc.ini, for whose other settings the translation has names.
func (m dsnOptions) given(o *database.OpenContext) {
	for _, s := range o.Options {
		if _, known := knownOptions[s.Name]; !known {
			o.Refuse("dsn", "sets pqopt to something that PostgreSQL does not understand", "write pqopt={name=value name=value}")
			continue
		}
		m[s.Name] = s.Value
	}
}

// attributes reads those of the Perl driver. Most set how it passes values to
// Perl.
func (m dsnOptions) attributes(o *database.OpenContext) {
	for _, a := range o.Attributes {
		switch a.Name {
		case "pg_enable_utf8", "pg_utf8_strings", "pg_server_prepare", "pg_prepare_now", "pg_switch_prepared",
			"pg_errorlevel", "pg_placeholder_dollaronly", "pg_placeholder_nocolons", "pg_skip_deallocate",
			"AutoInactiveDestroy", "ReadOnly":
		case "pg_bool_tf":
			if dsn.IsTrue(a.Value) {
				o.Warn("dsn", "sets pg_bool_tf, with which Perl printed truth values as t and f; here they are 1 and 0", "remove it")
			}
		case "pg_expand_array":
			if dsn.IsTrue(a.Value) {
				o.Warn("dsn", "sets pg_expand_array, with which the Perl script printed an address; here an array is its text", "remove it")
			}
		default:
			o.Warn("dsn", fmt.Sprintf("sets the attribute %q, which has no effect", a.Name), "remove it, or correct its name; names are case-sensitive")
		}
	}
}

// warn reports options that mean something else than they did to Perl, and
// refuses those that must not be lost.
func (m dsnOptions) warn(o *database.OpenContext) {
	for _, name := range slices.Sorted(maps.Keys(knownOptions)) {
		known, value := knownOptions[name], m[name]
		if value == "" || known.lost == "" || strings.Contains(" "+known.harmless+" ", " "+value+" ") {
			continue
		}
		if known.refused {
			o.Refuse("dsn", fmt.Sprintf("sets %s, which has no effect: %s", name, known.lost), "remove it, here, in the service file and in the environment")
		} else {
			o.Warn("dsn", fmt.Sprintf("sets %s, which has no effect: %s", name, known.lost), "remove it")
		}
	}
	encoding := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(m["client_encoding"]))
	if encoding != "" && encoding != "utf8" && encoding != "unicode" && encoding != "auto" {
		o.Warn("dsn", "sets another client_encoding than UTF8; here characters are always UTF-8", "remove it; rows that the Perl script wrote may hold characters that are encoded twice")
	}
	if strings.Contains(o.Schema, ",") {
		o.Warn("dbschema", "is the name of one schema, also with a comma", "name several with options='-c search_path=...' in dsn, and remove dbschema")
	}
	if o.Schema != "" && o.Schema == m["dbname"] {
		o.Warn("dbschema", "is the database's name, not a schema's: where no schema has it, the tables are those that search_path leads to", "remove the line, or name the schema")
	}
}
