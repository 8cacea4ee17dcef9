package dsn

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// odbcReading is what a DSN of ODBC is translated to.
type odbcReading struct {
	Driver, User, Password string
	Parts                  string // the options, with a space between
}

// A source is what dbsep.conf has of a database.
type source struct {
	DSN, User, Password string
	Environ             func(string) string
}

// readODBCSource translates a source.
func readODBCSource(s source) (odbcReading, *Diagnostics) {
	var d Diagnostics
	name, ok := Parse(s.DSN, &d)
	if !ok {
		return odbcReading{}, &d
	}
	if user, set := Last(name.Attributes, "Username"); set {
		s.User = user
	}
	if password, set := Last(name.Attributes, "Password"); set {
		s.Password = password
	}
	name.Attributes = slices.DeleteFunc(name.Attributes, func(a Setting) bool { return slices.Contains(ofDBI, a.Name) })
	native := FromODBC(name, s.User, s.Password, s.Environ, &d).Native
	if native == nil {
		return odbcReading{}, &d
	}
	var parts []string
	for _, o := range native.Options {
		parts = append(parts, o.Name+"="+o.Value)
	}
	user, _ := Last(native.Attributes, "Username")
	password, _ := Last(native.Attributes, "Password")
	return odbcReading{native.Driver, user, password, strings.Join(parts, " ")}, &d
}

// ofDBI are attributes that the package database reads.
var ofDBI = []string{"Username", "Password", "RaiseError", "LongReadLen"}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		if i := slices.Index(pairs, name); i >= 0 && i%2 == 0 {
			return pairs[i+1]
		}
		return ""
	}
}

// odbcFolder is a folder with unixODBC's files, and the environment that leads
// to it.
func odbcFolder(t testing.TB) (dir string, environ func(string) string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"odbcinst.ini": `
[MariaDB Unicode]
Description = MariaDB Connector/ODBC(Unicode)
Driver = /usr/lib/odbc/libmaodbc.so
[MySQL]
Driver = /old/libmyodbc5a.so
Driver64 = /usr/lib/odbc/libmyodbc8w.so
[PostgreSQL Unicode]
Driver=psqlodbcw.so
[SQLite3]
Driver=libsqlite3odbc.so
[ours]
Description=a driver of MariaDB under another name
Driver=/opt/ours.so
`,
		"odbc.ini": `
; all accounts
[site]
Driver = MariaDB Unicode
SERVER = db1
PORT = 3307
DATABASE = asterisk
User = inis
Password = p#a;s= s
[hidden]
Driver = PostgreSQL Unicode
Database = no
[default]
Driver=SQLite3
Database=/var/lib/default.db
`,
		"own.ini": `
[Hidden]
Driver=MySQL
server=db2
server=no
database=own
nonsense
[HIDDEN]
database=no
[pg]
Driver=PostgreSQL Unicode
Servername=/run/postgresql
Database=pbx
Username=pu
Password=pp
ConnSettings=set+search_path+to+voice
[nothing]
Database=x
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, environment("ODBCSYSINI", dir, "ODBCINI", filepath.Join(dir, "own.ini"), "HOME", "/nosuch")
}

// Each was tried with DBD::ODBC 1.61 and unixODBC 2.3.11 on the drivers of
// Debian 12, but for that of MySQL.
func TestODBCForms(t *testing.T) {
	_, environ := odbcFolder(t)
	mariadb := func(user, password, parts string) odbcReading { return odbcReading{"mysql", user, password, parts} }
	site := "database=asterisk host=db1 port=3307"
	for text, want := range map[string]odbcReading{
		"DBI:ODBC:site":                                   mariadb("u", "p", site),
		"DBI:ODBC:SITE":                                   mariadb("u", "p", site),
		"dbi:ODBC:DSN=site":                               mariadb("u", "p", site),
		"DBI:ODBC:dsn={site}":                             mariadb("u", "p", site),
		"DBI:ODBC:;;DSN=site;":                            mariadb("u", "p", site),
		"DBI:ODBC:DSN=site;UID=x;PWD=y":                   mariadb("x", "y", site),
		"DBI:ODBC:DSN=site;uid=x":                         mariadb("x", "p#a;s= s", site),
		"DBI:ODBC:DSN=site;PWD={a;}}b=}":                  mariadb("inis", "a;}b=", site),
		"DBI:ODBC:DSN=site;User=x;Password=y":             mariadb("u", "p", site),
		"DBI:ODBC:DSN=site;DATABASE=db":                   mariadb("u", "p", "database=db host=db1 port=3307"),
		"DBI:ODBC:DSN=site;DB=db;Servername=h":            mariadb("u", "p", "database=db host=h port=3307"),
		"DBI:ODBC:DSN=site;PORT=1;PORT=2":                 mariadb("u", "p", "database=asterisk host=db1 port=2"),
		"DBI:ODBC(LongReadLen=>1000000):site":             mariadb("u", "p", site),
		"DBI:ODBC(odbc_cursortype=>2,RaiseError=>1):site": mariadb("u", "p", site),
		"DBI:ODBC(Username=>x,Password=>y):site":          mariadb("x", "y", site),
		"DBI:ODBC:hidden":                                 mariadb("u", "p", "database=own host=db2"),
		"DBI:ODBC:":                                       {"SQLite", "", "", "dbname=/var/lib/default.db"},
		"DBI:ODBC:pg":                                     {"Pg", "u", "p", "dbname=pbx host=/run/postgresql"},
		"DBI:ODBC:DSN=pg;Username=x":                      {"Pg", "u", "p", "dbname=pbx host=/run/postgresql"},

		"DBI:ODBC:Driver=MariaDB Unicode;Server=h;Port=1;Database=db":                   mariadb("u", "p", "database=db host=h port=1"),
		"DBI:ODBC:Driver={mariadb unicode};Server=h;Database=db":                        mariadb("u", "p", "database=db host=h"),
		"DBI:ODBC:Server=h;Database=db;Driver=MariaDB Unicode":                          mariadb("u", "p", "database=db host=h"),
		"DBI:ODBC:Driver=/x/libmaodbc.so;Server=h;Database=db":                          mariadb("u", "p", "database=db host=h"),
		"DBI:ODBC:Driver=libmaodbc.so;Server=h;Database=db":                             mariadb("u", "p", "database=db host=h"),
		"DBI:ODBC:Driver={MySQL ODBC 8.0 Unicode Driver};Server=h;Database=db":          mariadb("u", "p", "database=db host=h"),
		"DBI:ODBC:Driver=ours;Server=h;Database=db":                                     mariadb("u", "p", "database=db host=h"),
		"DBI:ODBC:Driver=MySQL;Server=localhost;Database=db":                            mariadb("u", "p", "database=db host=localhost"), // the socket
		"DBI:ODBC:Driver=MariaDB Unicode;Server=localhost;Database=db":                  mariadb("u", "p", "database=db host=127.0.0.1"),
		"DBI:ODBC:Driver=MariaDB Unicode;Database=db":                                   mariadb("u", "p", "database=db host=127.0.0.1"),
		"DBI:ODBC:Driver=MariaDB Unicode;Server=h;Database=db;Socket=/s":                mariadb("u", "p", "database=db host= mysql_socket=/s"),
		"DBI:ODBC:Driver=MariaDB Unicode;Database=db;Socket=/s;TCPIP=1":                 mariadb("u", "p", "database=db host=127.0.0.1"),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;INITSTMT={SET @a=1; SET @b=2}":            mariadb("u", "p", "database=db host=h mysql_init_command=SET @a=1; SET @b=2"),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;OPTION=67586;CONN_TIMEOUT=3;READTIMEOUT=": mariadb("u", "p", "database=db host=h mysql_compression=1 mysql_connect_timeout=3 mysql_read_default_group=odbc mysql_read_timeout="),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;FORCETLS=1":                               mariadb("u", "p", "database=db host=h mysql_ssl=1"),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;FORCETLS=0;SSLVERIFY=0":                   mariadb("u", "p", "database=db host=h"),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;SSLCA=/c":                                 mariadb("u", "p", "database=db host=h mysql_ssl=1 mysql_ssl_ca_file=/c"),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;SSLVERIFY=1;SSL-CA=/c":                    mariadb("u", "p", "database=db host=h mysql_ssl=1 mysql_ssl_ca_file=/c mysql_ssl_verify_server_cert=1"),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;SSLCA=/c;SSLMODE=DISABLED":                mariadb("u", "p", "database=db host=h"),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;SSLMODE=preferred":                        mariadb("u", "p", "database=db host=h mysql_ssl=1 mysql_ssl_optional=1"),
		"DBI:ODBC:Driver=MySQL;Server=h;DB=db;SSLMODE=VERIFY_IDENTITY;SSLCA=/c":         mariadb("u", "p", "database=db host=h mysql_ssl=1 mysql_ssl_ca_file=/c mysql_ssl_verify_server_cert=1"),

		"DBI:ODBC:Driver=PostgreSQL Unicode;Server=h;Port=1;Database=db;UID=x;PWD=y": {"Pg", "x", "y", "dbname=db host=h port=1"},
		"DBI:ODBC:Driver=psqlodbca.so;Servername=h;Database=db;CA=r;B0=254":          {"Pg", "u", "p", "dbname=db host=h sslmode=require"},
		"DBI:ODBC:Driver=psqlodbca.so;Database=db;SSLmode=Verify-Full":               {"Pg", "u", "p", "dbname=db sslmode=verify-full"},
		"DBI:ODBC:Driver=psqlodbca.so;Database=db;ReadOnly=1":                        {"Pg", "u", "p", "dbname=db options=-c default_transaction_read_only=on"},
		"DBI:ODBC:Driver=psqlodbca.so;Database=db;pqopt={connect_timeout=3 options='-c a=b' dbname=no};A0=1": {
			"Pg", "u", "p", "connect_timeout=3 dbname=db options=-c a=b -c default_transaction_read_only=on"},

		"DBI:ODBC:Driver=SQLite3;Database=/x;FKSupport=1;NoCreat=1": {"SQLite", "", "", "dbname=/x sqlite_foreign_keys=1"},
		"DBI:ODBC:Driver={SQLite3};Database={/a;b=c}":               {"SQLite", "", "", "dbname=/a;b=c"},
	} {
		got, o := readODBCSource(source{DSN: text, User: "u", Password: "p", Environ: environ})
		if err := o.Err(); (err != nil) != (want.Driver == "") {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if len(o.Warnings) > 0 {
			t.Errorf("%s: %v", text, o.Warnings)
		}
	}
}

// The account of odbc.ini counts where dbsep.conf has none.
func TestODBCAccounts(t *testing.T) {
	_, environ := odbcFolder(t)
	for _, c := range []struct{ dsn, user, password, wantUser, wantPassword string }{
		{"DBI:ODBC:site", "", "", "inis", "p#a;s= s"},
		{"DBI:ODBC:site", "u", "", "u", "p#a;s= s"},
		{"DBI:ODBC:DSN=site", "", "p", "inis", "p"},
		{"DBI:ODBC:DSN=site;User=x;Password=y", "", "", "x", "y"},
		{"DBI:ODBC:pg", "", "", "pu", "pp"},
		{"DBI:ODBC:DSN=pg;Username=x", "", "", "x", "pp"},
		{"DBI:ODBC:DSN=pg", "a;b", "{c}}", "a;b", "{c}}"},
	} {
		got, o := readODBCSource(source{DSN: c.dsn, User: c.user, Password: c.password, Environ: environ})
		if got.User != c.wantUser || got.Password != c.wantPassword || o.Err() != nil {
			t.Errorf("%+v: %+v, %v", c, got, o.Err())
		}
	}
}

func TestODBCFiles(t *testing.T) {
	dir, _ := odbcFolder(t)
	if err := os.Rename(filepath.Join(dir, "own.ini"), filepath.Join(dir, ".odbc.ini")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "odbcinst.ini"), filepath.Join(dir, "drivers.ini")); err != nil {
		t.Fatal(err)
	}
	environ := environment("ODBCSYSINI", dir, "HOME", dir, "ODBCINSTINI", "drivers.ini")
	for name, want := range map[string]string{"hidden": "mysql", "site": "mysql", "pg": "Pg"} {
		if got, o := readODBCSource(source{DSN: "DBI:ODBC:" + name, Environ: environ}); got.Driver != want {
			t.Errorf("%s: %+v, %v", name, got, o.Err())
		}
	}
}

func TestODBCTimeouts(t *testing.T) {
	_, environ := odbcFolder(t)
	for text, want := range map[string]string{"": "", ";Timeout=1500": " busy_timeout=1500", ";Timeout=0": " busy_timeout=1"} {
		got, d := readODBCSource(source{DSN: "DBI:ODBC:Driver=SQLite3;Database=/x" + text, Environ: environ})
		if got.Parts != strings.TrimSpace(want+" dbname=/x") || d.Err() != nil {
			t.Errorf("%q: %s, %v", text, got.Parts, d.Err())
		}
	}
}

func TestODBCConnSettings(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"set+search_path+to+%22a%22": `set search_path to "a"`,
		`set search_path to "a+b"`:   `set search_path to "a+b"`,
		"100%":                       "100%",
	} {
		if got := odbcConnSettings(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestODBCWarnings(t *testing.T) {
	_, environ := odbcFolder(t)
	const mysql = "DBI:ODBC:Driver=MySQL;Server=h;Database=db"
	const pg = "DBI:ODBC:Driver=PostgreSQL Unicode;Server=h;Database=db"
	for text, want := range map[string]string{
		mysql + ";NO_PROMPT=1;AUTO_RECONNECT=1;OPTION=3": "",
		mysql + ";CHARSET=utf8":                          "",
		mysql + ";CHARSET=latin1":                        "sets another CHARSET than utf8mb4",
		mysql + ";OPTION=x":                              "sets OPTION to something that is no number",
		mysql + ";OPTION=67108866":                       "sets the bit 67108864 of OPTION, which has no effect: one request stays one statement",
		mysql + ";OPTION=512":                            "sets the bit 512 of OPTION",
		mysql + ";MULTI_STATEMENTS=1":                    "sets MULTI_STATEMENTS, which has no effect",
		mysql + ";MULTI_STATEMENTS=0":                    "",
		mysql + ";SSLCIPHER=AES":                         "TLS chooses its ciphers",
		mysql + ";Secret Setting=s3cret":                 "holds something",
		mysql + ";Nonsense=s3cret":                       "sets Nonsense, which dbsep does not know",
		pg + ";B7=1;Fetch=100;CommLog=1":                 "",
		pg + ";TrueIsMinus1=1":                           "truth values are 1 and 0",
		"DBI:ODBC:Driver=SQLite3;Database=/x;StepAPI=1;SyncPragma=NORMAL;LongNames=1": "",
		"DBI:ODBC:Driver=SQLite3;Database=/x;JournalMode=WAL":                         "the journal stays",
		"DBI:ODBC:Driver=SQLite3;Database=/x;JDConv=1":                                "dates are read as they are stored",
		"DBI:ODBC:Driver=SQLite3;Database=/x;Timeout=soon":                            "sets Timeout to something",
		"DBI:ODBC(mysql_enable_utf8=>1):site":                                         `sets the attribute "mysql_enable_utf8"`,
	} {
		_, o := readODBCSource(source{DSN: text, User: "u", Password: "p", Environ: environ})
		var said []string
		for _, w := range o.Warnings {
			said = append(said, w.Error())
		}
		if err := o.Err(); err != nil {
			said = append(said, err.Error())
		}
		all := strings.Join(said, "\n")
		if want == "" && all != "" || !strings.Contains(all, want) || strings.Contains(all, "s3cret") {
			t.Errorf("%s: %q, want %q", text, said, want)
		}
	}
}

func TestODBCProblems(t *testing.T) {
	_, environ := odbcFolder(t)
	const mysql = "DBI:ODBC:Driver=MySQL;Server=h;Database=db"
	for text, want := range map[string]string{
		"DBI:ODBC:site;UID=x":                                      "has settings of ODBC but neither DSN= nor Driver=",
		"DBI:ODBC:DSN = site":                                      "has settings of ODBC but neither DSN= nor Driver=",
		"DBI:ODBC:Server=h;Database=db":                            "has settings of ODBC but neither DSN= nor Driver=",
		"DBI:ODBC:nosuch":                                          `names the data source "nosuch", which neither`,
		"DBI:ODBC:DSN=site;Driver=MySQL":                           "has both DSN= and Driver=",
		"DBI:ODBC:nothing":                                         "leads to no driver of ODBC",
		"DBI:ODBC:DSN=site;PWD=s3cret x":                           "",
		"DBI:ODBC:DSN=site;PWD=a;s3cret":                           "holds something that is no KEY=value",
		"DBI:ODBC:DSN=site;PWD={s3cret":                            "sets PWD to a value in braces that do not end",
		"DBI:ODBC:DSN=site;PWD={a}s3cret;X=y":                      "sets PWD to a value in braces that do not end",
		"DBI:ODBC:Driver=MySQL;Server=h":                           "leads to no database",
		"DBI:ODBC:Driver=SQLite3":                                  "leads to no database file",
		mysql + ";SSLCRL=/c":                                       "sets SSLCRL, which has no effect: revoked certificates",
		mysql + ";TLSPEERFP=s3cret":                                "sets TLSPEERFP, which has no effect",
		mysql + ";SSLMODE=VERIFY_CA":                               "names no CA certificate",
		mysql + ";SSLMODE=s3cret":                                  "sets SSLMODE to something",
		"DBI:ODBC:Driver=psqlodbcw.so;Database=db;pqopt=host":      "sets pqopt to something",
		"DBI:ODBC:Driver=psqlodbcw.so;Database=db;pqopt={s3cret=x": "sets pqopt to a value in braces",
	} {
		_, o := readODBCSource(source{DSN: text, User: "u", Password: "p", Environ: environ})
		err := o.Err()
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// FuzzODBC reads any connection string and any odbc.ini: the opening is refused
// or filled, and a password is never shown.
func FuzzODBC(f *testing.F) {
	const secret = "s3cr3t-Pa55"
	for _, c := range [][2]string{
		{"site", "[site]\nDriver=libmaodbc.so\nDatabase=db\nPassword=" + secret + "\n"},
		{"DSN=site;PWD=" + secret, "[SITE]\ndriver=psqlodbcw.so\n;\n#\n[x"},
		{"Driver={a};PWD={" + secret + "}};x", ""},
		{"Driver=libsqlite3odbc.so;Database=/nosuch;Timeout=9999999999;PWD=" + secret, "=\n[]\n]"},
		{"Driver=libtdsodbc.so;Server=tcp:h\\i,1;UID=u;PWD=" + secret, ""},
		{"driver=libmyodbc.so;OPTION=-1;=;;x=;SSLMODE=;PWD=" + secret, ""},
		{"DRIVER=psqlodbc;CA=x;pqopt={a='b;PWD=" + secret, ""},
	} {
		f.Add(c[0], c[1])
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, ini string) {
		file := filepath.Join(dir, "odbc.ini")
		if err := os.WriteFile(file, []byte(ini), 0o600); err != nil {
			t.Fatal(err)
		}
		got, o := readODBCSource(source{DSN: "DBI:ODBC:" + text, Environ: environment("ODBCSYSINI", dir, "ODBCINI", "/nosuch", "HOME", "/nosuch")})
		err := o.Err()
		if err != nil && got.Driver != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		shown := ""
		if err != nil {
			shown = err.Error()
		}
		for _, w := range o.Warnings {
			shown += w.Error()
		}
		if strings.Contains(shown, secret) && strings.Contains(text, "PWD="+secret) && strings.Count(text, secret) == 1 {
			t.Errorf("the password is told: %s", shown)
		}
	})
}
