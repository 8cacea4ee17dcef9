package database

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/microsoft/go-mssqldb/msdsn"
)

// sqlserverReading is what a DSN comes to.
type sqlserverReading struct {
	Address, User, Password, Workstation, App string
	Encryption                                msdsn.Encryption
	Login                                     time.Duration
}

func readSQLServerForTest(s Source) (config msdsn.Config, r sqlserverReading, f findings) {
	if s.Environ == nil {
		s.Environ = environment("HOME", "/nosuch")
	}
	s.complete()
	d, ok := parseDSN(s.DSN, &f)
	if !ok {
		return config, r, f
	}
	d.kind(&f)
	o := &opening{Source: s, findings: &f, driver: d.driver}
	o.attributes = d.common(&o.Source, &f)
	o.rest = d.rest
	config, login := readSQLServerDSN(o).config(o)
	return config, sqlserverReading{sqlserverAddress(config), config.User, config.Password, config.Workstation, config.AppName, config.Encryption, login}, f
}

// freetdsFile writes a freetds.conf and returns the variables that lead to it.
func freetdsFile(t testing.TB, text string) func(string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "freetds.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return environment("FREETDSCONF", file, "HOME", "/nosuch")
}

const freetdsSample = `# of all
[global]
	tds version = auto
	connect timeout = 7
	client charset = UTF-8
[Pbx]
	host = sql1.example   ; the first
	port	=	1434
	Encryption = require
[named]
host=sql2
instance = VOICE
database=pbx
[empty]
; nothing
`

func TestSQLServerForms(t *testing.T) {
	at := func(address string) sqlserverReading {
		return sqlserverReading{address, "u", "p", "here", "dbsep", msdsn.EncryptionOff, 7 * time.Second}
	}
	required := at("sql1.example:1434/db")
	required.Encryption = msdsn.EncryptionRequired
	program := at("h:1433/db")
	program.App, program.Login = "pbx.pl", 60*time.Second
	strict, off := at("h:1433/db"), at("127.0.0.1:1433/db")
	strict.Encryption, off.Encryption = msdsn.EncryptionStrict, msdsn.EncryptionDisabled
	other := at("h:1433/db")
	other.User, other.Password = "x", "y"
	environ := freetdsFile(t, freetdsSample)
	for text, want := range map[string]sqlserverReading{
		"DBI:Sybase:server=h;database=db":                                         at("h:1433/db"),
		"dbi:Sybase:database=db;server=h;":                                        at("h:1433/db"),
		"DBI:Sybase:server=h:1450;database=db":                                    at("h:1450/db"),
		"DBI:Sybase:server=h;port=1450;database=db":                               at("h:1450/db"),
		`DBI:Sybase:server=h\VOICE;database=db`:                                   at(`h\VOICE/db`),
		`DBI:Sybase:server=h\VOICE;port=1450;database=db`:                         at("h:1450/db"),
		"DBI:Sybase:server=::1;database=db":                                       at("[::1]:1433/db"),
		"DBI:Sybase:server=[::1]:1450;database=db":                                at("[::1]:1450/db"),
		"DBI:Sybase:server=h":                                                     at("h:1433/"),
		"DBI:Sybase:host=h;port=1450;database=db":                                 at("h:1450/db"),
		"DBI:Sybase:server=PBX;host=h;database=db":                                {"h:1433/db", "u", "p", "here", "dbsep", msdsn.EncryptionRequired, 7 * time.Second},
		"DBI:Sybase:server=PBX;database=db":                                       required,
		"DBI:Sybase:server=named":                                                 at(`sql2\VOICE/pbx`),
		"DBI:Sybase:server=named;database=db":                                     at(`sql2\VOICE/db`),
		"DBI:Sybase:server=named;port=1450":                                       at("sql2:1450/pbx"),
		"DBI:Sybase:server=h;database=db;scriptName=pbx.pl;loginTimeout=60":       program,
		"DBI:Sybase(syb_quoted_identifier=>1,RaiseError=>1):server=h;database=db": at("h:1433/db"),
		"DBI:Sybase(Username=>x,Password=>y):server=h;database=db":                other,
		"DBI:Sybase:server=h;database=db;encryption=strict":                       strict,
		"DBI:Sybase:server=127.0.0.1;database=db;encryption=off":                  off,
		"DBI:Sybase:server=h;database=db;charset=utf8;maxConnect=9;bulkLogin=1;tds_keepalive=1;encryptPassword=1;packetSize=8192;serverType=MSSQL;tdsLevel=CS_TDS_42": at("h:1433/db"),
	} {
		_, got, f := readSQLServerForTest(Source{DSN: text + ";hostname=here", User: "u", Password: "p", Environ: environ})
		if err := f.err(); err != nil || len(f.warnings) > 0 {
			t.Errorf("%s: %v, %v", text, err, f.warnings)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestSQLServerFallbacks(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"home/.freetds.conf": "[a]\nhost=own\n", "free/etc/freetds.conf": "[global]\nport=1\n[b]\nhost=b.free\n[a]\nhost=a.free\n"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	home, free := filepath.Join(dir, "home"), filepath.Join(dir, "free")
	for what, c := range map[string]struct {
		dsn     string
		environ []string
		want    string
	}{
		"a file at home":               {"DBI:Sybase:server=a", []string{"HOME", home}, "own:1433/"},
		"FREETDS before home":          {"DBI:Sybase:server=a", []string{"HOME", home, "FREETDS", free}, "a.free:1/"},
		"the entry of another file":    {"DBI:Sybase:server=b", []string{"HOME", home, "FREETDS", free}, "b.free:1/"},
		"a missing file":               {"DBI:Sybase:server=a", []string{"HOME", home, "FREETDSCONF", "/nosuch"}, "own:1433/"},
		"DSQUERY":                      {"DBI:Sybase:database=db", []string{"HOME", home, "DSQUERY", "a"}, "own:1433/db"},
		"the DSN before DSQUERY":       {"DBI:Sybase:server=h", []string{"HOME", home, "DSQUERY", "a"}, "h:1433/"},
		"TDSPORT":                      {"DBI:Sybase:server=a", []string{"HOME", home, "TDSPORT", "5"}, "own:5/"},
		"the DSN before TDSPORT":       {"DBI:Sybase:server=a;port=6", []string{"HOME", home, "TDSPORT", "5"}, "own:6/"},
		"TDSHOST":                      {"DBI:Sybase:server=a", []string{"HOME", home, "TDSHOST", "th"}, "th:1433/"},
		"a host that is no entry":      {"DBI:Sybase:server=c", []string{"HOME", home, "FREETDS", free}, "c:1/"},
		"what is global is for a host": {"DBI:Sybase:server=a;host=h", []string{"HOME", home}, "h:1433/"},
	} {
		_, got, f := readSQLServerForTest(Source{DSN: c.dsn, User: "u", Environ: environment(c.environ...)})
		if got.Address != c.want || f.err() != nil || len(f.warnings) > 0 {
			t.Errorf("%s: %s, %v, %v; want %s", what, got.Address, f.err(), f.warnings, c.want)
		}
	}
}

func TestSQLServerProblems(t *testing.T) {
	environ := freetdsFile(t, freetdsSample+"[old]\nhost=h\ntds version = 5.0\n[odd]\nhost=h\nencryption=some\n")
	for text, want := range map[string]string{
		"DBI:Sybase:":                                      "names no server",
		"DBI:Sybase:database=db":                           "names no server",
		"DBI:Sybase:server=h;x":                            "holds something that is no name=value",
		"DBI:Sybase:server=empty":                          "names the entry \"empty\" of freetds.conf, which has no host",
		"DBI:Sybase:server=h;serverType=ASE":               "asks for a server of Sybase",
		"DBI:Sybase:server=h;tdsLevel=CS_TDS_50":           "asks for a server of Sybase",
		"DBI:Sybase:server=old":                            "asks for a server of Sybase",
		"DBI:Sybase:server=h;kerberos=x":                   "asks for a login by Kerberos",
		"DBI:Sybase:server=h;port=0":                       "has port with something that is no number",
		"DBI:Sybase:server=h;port=70000":                   "has port with something that is no number",
		"DBI:Sybase:server=h;packetSize=100":               "has packetSize with something that is no number",
		"DBI:Sybase:server=h;loginTimeout=soon":            "has loginTimeout with something that is no number",
		"DBI:Sybase:server=h;encryption=maybe":             "sets encryption to something that it cannot be",
		"DBI:Sybase:server=odd":                            "sets encryption to something that it cannot be",
		"DBI:Sybase:server=h;sslCAFile=/nosuch":            "names the CA file /nosuch",
		"DBI:Sybase:server=h;encryption=require;ca file=/": "names the CA file /",
		"DBI:Sybase:server=h;a b c=1":                      "sets a name that no option has",
	} {
		_, _, f := readSQLServerForTest(Source{DSN: text, User: "u", Environ: environ})
		wantProblems(t, text, f.err(), want)
	}
	_, _, f := readSQLServerForTest(Source{DSN: "DBI:Sybase:server=h"})
	wantProblems(t, "no account", f.err(), "is missing, and SQL Server has no login without a name")
	if _, err := Open(Source{DSN: "DBI:Sybase:serverType=ASE;port=x"}); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("%v, want four problems at once", err)
	}
}

func TestSQLServerWarnings(t *testing.T) {
	environ := freetdsFile(t, "[latin]\nhost=h\nclient charset = ISO-8859-1\nencryption = off\n")
	for text, want := range map[string]string{
		"DBI:Sybase:server=h;charset=iso_1":              "sets another charset than UTF-8",
		"DBI:Sybase:server=latin;encryption=request":     "sets another client charset than UTF-8",
		"DBI:Sybase:server=latin;client charset=UTF-8":   "sets encryption to off",
		"DBI:Sybase:server=h;timeout=5":                  "sets timeout, which has no effect",
		"DBI:Sybase:server=h;language=us_english":        "sets language, which has no effect",
		"DBI:Sybase:server=h;interfaces=/etc/interfaces": "names an interfaces file",
		"DBI:Sybase:server=h;Database=db":                `sets "Database", which has no effect`,
		"DBI:Sybase(Nonsense=>1):server=h":               `sets "Nonsense", which has no effect`,
		"DBI:Sybase:server=h;sslCAFile=system":           "lets the server choose not to encrypt",
		"DBI:Sybase:server=h;password=s3cr3t":            `sets "password", which has no effect`,
	} {
		_, _, f := readSQLServerForTest(Source{DSN: text, User: "u", Environ: environ})
		if f.err() != nil || len(f.warnings) != 1 || !strings.Contains(f.warnings[0].Text, want) || f.warnings[0].Remedy == "" || strings.Contains(f.warnings[0].Error(), "s3cr3t") {
			t.Errorf("%s: %v, %v; want %q", text, f.err(), f.warnings, want)
		}
	}
}

// A certificate is verified where there is something to verify it with: its
// chain with a CA, its name unless freetds.conf says no.
func TestSQLServerCertificates(t *testing.T) {
	for text, want := range map[string]struct {
		verifies bool
		lowest   uint16
	}{
		"DBI:Sybase:server=h":                                   {false, tls.VersionTLS12},
		"DBI:Sybase:server=h;enable tls v1=yes":                 {false, tls.VersionTLS10},
		"DBI:Sybase:server=h;encryption=require":                {false, tls.VersionTLS12},
		"DBI:Sybase:server=h;encryption=require;ca file=system": {true, tls.VersionTLS12},
		"DBI:Sybase:server=h;encryption=strict":                 {true, tls.VersionTLS12},
	} {
		config, _, f := readSQLServerForTest(Source{DSN: text, User: "u"})
		if f.err() != nil {
			t.Fatal(f.err())
		}
		verify := config.TLSConfig.VerifyConnection
		if config.TLSConfig.MinVersion != want.lowest || (verify != nil) != want.verifies {
			t.Errorf("%s: TLS from %x, verifies %v", text, config.TLSConfig.MinVersion, verify != nil)
		}
		if verify != nil && (verify(tls.ConnectionState{}) == nil || verify(tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}}) == nil) {
			t.Errorf("%s: takes any certificate", text)
		}
	}
}

// FuzzFreeTDS reads any freetds.conf for any server: there are settings, those
// of the entry win, and nothing of another entry comes in.
func FuzzFreeTDS(f *testing.F) {
	f.Add(freetdsSample, "PBX")
	f.Add("[global]\nport=1\n[a]\nport=2", "a")
	f.Add("[a\nhost\n=x\n[]\n= =\n", "")
	f.Add("port=1\n[ a ]\r\nhost=h;x\r\n", "A")
	f.Fuzz(func(t *testing.T, text, server string) {
		settings, _ := fromFreeTDS(text+"\n[other entry]\nonly there=1\n", server)
		if !strings.EqualFold(server, "other entry") && !strings.Contains(text, "only there") && settings["only there"] != "" {
			t.Errorf("%q has a setting of another entry", settings)
		}
		if settings == nil {
			t.Error("no settings")
		}
		for name, value := range settings {
			if strings.ContainsAny(name+value, "\r\n\t") || strings.ContainsAny(value, ";#") || strings.TrimSpace(value) != value {
				t.Errorf("%q = %q", name, value)
			}
		}
		own, again := fromFreeTDS(text+"\n[the server]\nhost=h\n", "the server")
		if !again || own["host"] != "h" && !strings.Contains(strings.ToLower(text), "the server") {
			t.Errorf("%q, %v", own, again)
		}
	})
}
