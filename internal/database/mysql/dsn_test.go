package mysql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/database/dsn"
)

// reading is what a DSN comes to.
type reading struct {
	Net, Addr, User, Password, Database string
}

// readForTest reads the source of a MySQL database.
func readForTest(s database.Source) (r reading, f database.Diagnostics) {
	o := database.NewOpenContext(s, &f)
	if o == nil {
		return r, f
	}
	c := readDSN(o).config(o)
	return reading{c.Net, c.Addr, c.User, c.Passwd, c.DBName}, f
}

const testSocket = "/test/socket"

func TestMySQLForms(t *testing.T) {
	socket := reading{"unix", testSocket, "u", "p", "db"}
	tcp := func(addr string) reading { return reading{"tcp", addr, "u", "p", "db"} }
	for text, want := range map[string]reading{
		"DBI:mysql:db":                                          socket,
		"dbi:mysql:db":                                          socket,
		"DBI:mysql:db:localhost":                                socket,
		"DBI:mysql:db:localhost:3307":                           socket,
		"DBI:mysql:database=db":                                 socket,
		"DBI:mysql:dbname=db;host=":                             socket,
		"DBI:mysql:db=db;hostname=localhost;port=1":             socket,
		"DBI:mysql:db:h":                                        tcp("h:3306"),
		"DBI:mysql:db:h:3307":                                   tcp("h:3307"),
		"DBI:mysql:db;h;3307":                                   tcp("h:3307"),
		"DBI:mysql:db;host=h;port=3307":                         tcp("h:3307"),
		"DBI:mysql:database=db;host=h;port=3307":                tcp("h:3307"),
		"DBI:mysql:host=h:port=3307:database=db":                tcp("h:3307"),
		"DBI:mysql:database=db;host=h:3307":                     tcp("h:3307"),
		"DBI:mysql:host=h:3307;database=db":                     tcp("h:3306"),
		"DBI:mysql:database=db;host=[::1]":                      tcp("[::1]:3306"),
		"DBI:mysql:database=db;host=[::1];port=3307":            tcp("[::1]:3307"),
		"DBI:mysql:db:[::1]:3307":                               tcp("[::1]:3307"),
		"DBI:mysql:database=db;host=h;port=18206 # main":        tcp("h:18206"),
		"DBI:mysql:database=db;host=127.0.0.1;mysql_socket=/s":  tcp("127.0.0.1:3306"),
		"DBI:mysql:database=db;Host=h":                          socket,
		"DBI:mysql:database=db;server=h;charset=latin1":         socket,
		"DBI:mysql:database=db;mysql_socket=/s":                 {"unix", "/s", "u", "p", "db"},
		"DBI:mysql:database=db;host=localhost;mysql_socket=/s":  {"unix", "/s", "u", "p", "db"},
		"DBI:mysql:database=db;user=x;password=y":               {"unix", testSocket, "x", "y", "db"},
		"DBI:mysql(Username=>x,Password=>y):db":                 {"unix", testSocket, "x", "y", "db"},
		"DBI:mysql(RaiseError=>1, AutoCommit => 1):database=db": socket,
		"DBI:mysql(mysql_socket=>/s):db":                        {"unix", "/s", "u", "p", "db"},
		"DBI:MariaDB:database=db;host=h;port=3307":              tcp("h:3307"),
		"DBI:MariaDB:db;mariadb_socket=/s":                      {"unix", "/s", "u", "p", "db"},
		"DBI:MYSQL:database=db":                                 socket,
		" DBI:mysql:database=db":                                socket,
		"DBI:mysql:database=db;mysql_client_found_rows=0":       socket,
		"DBI:mysql:my db;host=h":                                {"tcp", "h:3306", "u", "p", "my db"},
	} {
		got, f := readForTest(database.Source{DSN: text, User: "u", Password: "p", Environ: databasetest.Environ("MYSQL_UNIX_PORT", testSocket)})
		if err := f.Err(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestMySQLWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"DBI:mysql:db:h:3307":                                "",
		"DBI:mysql:db;mysql_enable_utf8mb4=1":                "",
		"DBI:mysql:db;mysql_auto_reconnect=1":                "",
		"DBI:mysql:db;mysql_client_found_rows=1":             "",
		"DBI:mysql(RaiseError=>1,PrintError=>0):db":          "",
		"DBI:mysql:db;mysql_client_found_rows=0":             "counts the rows it matches",
		"DBI:mysql:db;mysql_multi_statements=1":              "one statement",
		"DBI:mysql:db;mysql_enable_utf8=1":                   "four bytes",
		"DBI:mysql:db;Host=h":                                `"Host", which has no effect`,
		"DBI:mysql:db;mysql_nosuch=1":                        `"mysql_nosuch"`,
		"DBI:mysql:host=h:3307;database=db":                  "loses it",
		"DBI:mysql(AutoCommit=>0):db":                        "lost every change",
		"DBI:mysql:db;mysql_ssl=1":                           "TLS",
		"DBI:mysql:db;mysql_ssl_ca_file=/ca.pem":             "does not switch it on",
		"DBI:mysql:db;mysql_ssl_cipher=x":                    "ciphers",
		"DBI:MySQL:db":                                       "spells the driver",
		" DBI:mysql:db":                                      "space",
		"DBI:mysql:db;host=h;port=18206 # main":              "behind the number",
		"DBI:mysql:database=db;dbschema=x;user=u;password=p": `"dbschema"`,
	} {
		_, f := readForTest(database.Source{DSN: text, User: "u"})
		if err := f.Err(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		var said []string
		for _, w := range f.Warnings {
			said = append(said, w.Error())
		}
		if want == "" && len(said) > 0 || !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("%s: %q, want %q", text, said, want)
		}
	}
	_, f := readForTest(database.Source{DSN: "DBI:mysql:db", Schema: "other"})
	if len(f.Warnings) != 1 || f.Warnings[0].Key != "dbschema" {
		t.Errorf("another schema: %v", f.Warnings)
	}
	if _, f = readForTest(database.Source{DSN: "DBI:mysql:db", Schema: "db"}); len(f.Warnings) != 0 {
		t.Errorf("the same schema: %v", f.Warnings)
	}
}

func TestMySQLProblems(t *testing.T) {
	for text, want := range map[string][]string{
		"DBI:mysql:host=h":                              {"names no database"},
		"DBI:mysql:":                                    {"names no database"},
		"DBI:mysql:host=h;port=x":                       {"names no database", "has a port that is no number"},
		"DBI:mysql:db;host=h;port=99999":                {"has a port that is no number"},
		"DBI:mysql:db;mysql_connect_timeout=soon":       {"has connect_timeout"},
		"DBI:mysql:db;mysql_read_default_file=/nosuch":  {"names the option file /nosuch"},
		"DBI:mysql:db;mysql_ssl=1;mysql_ssl_ca_file=/x": {"names the CA file /x"},
		"DBI:MariaDB:db;mysql_ssl=1":                    {`sets "mysql_ssl", which DBI:MariaDB does not have`},
		"DBI:MariaDB:db;Host=h":                         {`sets "Host", which DBI:MariaDB does not have`},
		"DBI:MariaDB:db;host=localhost;port=3306":       {"has a port beside localhost"},
		"DBI:mysql(RaiseError):db":                      {"holds an attribute without a value"},
	} {
		_, err := database.Open(database.Source{DSN: text, User: "u", Password: "p"})
		databasetest.WantProblems(t, text, err, want...)
	}
}

func TestMySQLFallbacks(t *testing.T) {
	env := databasetest.Environ("DBI_DSN", "DBI:mysql:fromenv:h", "DBI_USER", "eu", "DBI_PASS", "ep", "MYSQL_TCP_PORT", "3399", "MYSQL_UNIX_PORT", testSocket)
	for what, c := range map[string]struct {
		source database.Source
		want   reading
	}{
		"all of the environment": {database.Source{Environ: env}, reading{"tcp", "h:3399", "eu", "ep", "fromenv"}},
		"the file first":         {database.Source{DSN: "DBI:mysql:db", User: "u", Password: "p", Environ: env}, reading{"unix", testSocket, "u", "p", "db"}},
		"the DSN's port first":   {database.Source{DSN: "DBI:mysql:db:h:1", User: "u", Password: "p", Environ: env}, reading{"tcp", "h:1", "u", "p", "db"}},
	} {
		got, f := readForTest(c.source)
		if diff := cmp.Diff(c.want, got); diff != "" || f.Err() != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, f.Err(), diff)
		}
	}
	if got, _ := readForTest(database.Source{DSN: "DBI:mysql:db"}); got.User != dsn.LoginName() {
		t.Errorf("without a user: %q, want the account's name", got.User)
	}
}

func TestMySQLOptionFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("more.cnf", "[client]\nsocket=/from/more\n")
	file := write("my.cnf", `
# a comment
; another
[mysqld]
user = mysql
[client]
host = dbhost   # said later
port=3311
user="file user"
password = "p#w\"x"
default_character_set=latin1
!include more.cnf
[perl]
database=perldb
[other]
database=no
`)
	got, f := readForTest(database.Source{DSN: "DBI:mysql:;mysql_read_default_file=" + file + ";mysql_read_default_group=perl"})
	if diff := cmp.Diff(reading{"tcp", "dbhost:3311", "file user", `p#w"x`, "perldb"}, got); diff != "" || f.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", f.Err(), diff)
	}
	if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0].Text, "latin1") {
		t.Errorf("warnings: %v", f.Warnings)
	}
	got, _ = readForTest(database.Source{DSN: "DBI:mysql:db:localhost;mysql_read_default_file=" + file, User: "u", Password: "p"})
	if diff := cmp.Diff(reading{"unix", "/from/more", "u", "p", "db"}, got); diff != "" {
		t.Errorf("dbsep.conf comes first (-want +got):\n%s", diff)
	}
}

func TestMySQLTimeouts(t *testing.T) {
	for what, c := range map[string]struct {
		source  database.Source
		connect time.Duration
	}{
		"the default":         {database.Source{DSN: "DBI:mysql:db"}, 5 * time.Second},
		"of the DSN":          {database.Source{DSN: "DBI:mysql:db;mysql_connect_timeout=7"}, 7 * time.Second},
		"the setting, before": {database.Source{DSN: "DBI:mysql:db;mysql_connect_timeout=7", ConnectTimeout: time.Second}, time.Second},
	} {
		var f database.Diagnostics
		o := database.NewOpenContext(c.source, &f)
		if got := readDSN(o).config(o).Timeout; got != c.connect {
			t.Errorf("%s: %v, want %v", what, got, c.connect)
		}
	}
}
