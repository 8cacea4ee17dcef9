package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/database/dsn"
)

// readPostgresForTest reads the source of a PostgreSQL database.
func readPostgresForTest(s database.Source) (m dsnOptions, c *pgx.ConnConfig, f database.Diagnostics) {
	if s.Environ == nil {
		s.Environ = databasetest.Environ("HOME", "/nosuch")
	}
	o := database.NewOpenContext(s, &f)
	if o == nil {
		return nil, nil, f
	}
	m = readDSN(o)
	return m, m.config(o), f
}

// postgresReading is what a DSN comes to.
type postgresReading struct{ Address, User, Password string }

func readPostgresSource(s database.Source) (postgresReading, database.Diagnostics) {
	m, c, f := readPostgresForTest(s)
	if c == nil {
		return postgresReading{}, f
	}
	return postgresReading{m.address(), c.User, c.Password}, f
}

func TestPostgresForms(t *testing.T) {
	tcp := postgresReading{"h:5432/db", "u", "p"}
	socket := postgresReading{"unix(/s/.s.PGSQL.5432)/db", "u", "p"}
	at := func(address string) postgresReading { return postgresReading{address, "u", "p"} }
	for text, want := range map[string]postgresReading{
		"DBI:Pg:dbname=db;host=h":                                   tcp,
		"dbi:Pg:dbname=db;host=h":                                   tcp,
		"DBI:Pg:db=db;host=h":                                       tcp,
		"DBI:Pg:database=db;host=h":                                 tcp,
		"DBI:Pg:host=h;database = db":                               tcp,
		"DBI:Pg:dbname=db host=h":                                   tcp,
		"DBI:Pg: dbname = db ; host = h ; ":                         tcp,
		"DBI:Pg:dbname='db';host='h'":                               tcp,
		`DBI:Pg:dbname="db";host="h"`:                               tcp,
		`DBI:Pg:dbname='db'host='h'`:                                tcp,
		"DBI:Pg:dbname=db;host=h;port=":                             tcp,
		"DBI:Pg:dbname=db;host=h;port=5433":                         at("h:5433/db"),
		"DBI:Pg:dbname=db;host=::1":                                 at("[::1]:5432/db"),
		"DBI:Pg:dbname='my db';host=h":                              at("h:5432/my db"),
		"DBI:Pg:dbname='a;b';host=h":                                at("h:5432/a;b"),
		`DBI:Pg:dbname=a\ b;host=h`:                                 at("h:5432/a b"),
		`DBI:Pg:dbname='a\'b';host=h`:                               at("h:5432/a'b"),
		"DBI:Pg:dbname=db;host=/s":                                  socket,
		"DBI:Pg:dbname=db;host=/s;port=5433":                        at("unix(/s/.s.PGSQL.5433)/db"),
		"DBI:Pg:dbname=db;host=h;host=/s":                           socket,
		"DBI:Pg:dbname=db;host=h1,h2":                               at("h1:5432,h2:5432/db"),
		"DBI:Pg:dbname=db;host=h1,h2;port=5433":                     at("h1:5433,h2:5433/db"),
		"DBI:Pg:dbname=db;host=h1,h2,/s;port=1,,3":                  at("h1:1,h2:5432,unix(/s/.s.PGSQL.3)/db"),
		"DBI:Pg:dbname=db;host=h1,h2;target_session_attrs=primary":  at("h1:5432,h2:5432/db"),
		"DBI:Pg:dbname=db;hostaddr=10.0.0.1":                        at("10.0.0.1:5432/db"),
		"DBI:Pg:dbname=db;host=h;hostaddr=10.0.0.1":                 tcp,
		"DBI:Pg:dbname=db;host=h,;hostaddr=,10.0.0.2":               at("h:5432,10.0.0.2:5432/db"),
		"DBI:Pg:host=h":                                             at("h:5432/u"),
		"DBI:Pg:dbname=db;host=h;user=x;password=y":                 tcp,
		"DBI:Pg(Username=>x,Password=>y):dbname=db;host=h":          {"h:5432/db", "x", "y"},
		"DBI:Pg(RaiseError=>1,pg_enable_utf8=>0):dbname=db;host=h":  tcp,
		"DBI:Pg:dbname=db;host=h;options='-c search_path=voice'":    tcp,
		"DBI:Pg:dbname=db;host=h;sslmode=require":                   tcp,
		"DBI:Pg:dbname=db;host=h;connect_timeout=3;keepalives=1":    tcp,
		"DBI:Pg:dbname=db;host=h;gssencmode=disable;sslcompression": {}, // the end is no name=value
	} {
		got, f := readPostgresSource(database.Source{DSN: text, User: "u", Password: "p"})
		if err := f.Err(); (err != nil) != (want.Address == "") {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestPostgresFallbacks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own := write("home/.pg_service.conf", "# mine\n\n[other]\nhost=no\n[pbx]\nhost=sh\nport=5555\n dbname = sdb \nuser=su\n[last]\nhost=no\n")
	write("etc/pg_service.conf", "[pbx]\nhost=system\n[site]\nhost=etc\npassword=p=w\n")
	write("home/.pgpass", "# comment\nph:5432:*:pu:from \\: pgpass\nlocalhost:5432:db:pu:socket\n")
	other := write("pass", "*:*:*:*:other\n")
	home := filepath.Join(dir, "home")
	with := func(pairs ...string) func(string) string {
		return databasetest.Environ(append(pairs, "HOME", home, "PGSYSCONFDIR", filepath.Join(dir, "etc"))...)
	}
	all := with("PGHOST", "eh", "PGPORT", "5444", "PGDATABASE", "edb", "PGUSER", "eu", "PGPASSWORD", "ep", "DBI_USER", "")
	for what, c := range map[string]struct {
		source database.Source
		want   postgresReading
	}{
		"the environment":                {database.Source{DSN: "DBI:Pg:", Environ: all}, postgresReading{"eh:5444/edb", "eu", "ep"}},
		"the DSN before it":              {database.Source{DSN: "DBI:Pg:dbname=db;host=h;port=1;user=x;password=y", Environ: all}, postgresReading{"h:1/db", "x", "y"}},
		"dbuser before both":             {database.Source{DSN: "DBI:Pg:dbname=db;host=h;user=x;password=y", User: "u", Password: "p", Environ: all}, postgresReading{"h:5444/db", "u", "p"}},
		"DBI's environment":              {database.Source{DSN: "DBI:Pg:dbname=db;host=h", Environ: with("DBI_USER", "du", "DBI_PASS", "dp", "PGUSER", "eu")}, postgresReading{"h:5432/db", "du", "dp"}},
		"nothing in the DSN is nothing":  {database.Source{DSN: "DBI:Pg:dbname=db;host=h;port=", User: "u", Password: "p", Environ: all}, postgresReading{"h:5432/db", "u", "p"}},
		"a service":                      {database.Source{DSN: "DBI:Pg:service=pbx", Password: "p", Environ: with()}, postgresReading{"sh:5555/sdb", "su", "p"}},
		"the DSN before a service":       {database.Source{DSN: "DBI:Pg:host=h;service=pbx", Password: "p", Environ: with()}, postgresReading{"h:5555/sdb", "su", "p"}},
		"a service before the others":    {database.Source{DSN: "DBI:Pg:service=pbx", Password: "p", Environ: with("PGHOST", "eh", "PGUSER", "eu")}, postgresReading{"sh:5555/sdb", "su", "p"}},
		"dbuser before a service":        {database.Source{DSN: "DBI:Pg:service=pbx", User: "u", Password: "p", Environ: with()}, postgresReading{"sh:5555/sdb", "u", "p"}},
		"a service of the environment":   {database.Source{DSN: "DBI:Pg:", Password: "p", Environ: with("PGSERVICE", "pbx")}, postgresReading{"sh:5555/sdb", "su", "p"}},
		"a service of all accounts":      {database.Source{DSN: "DBI:Pg:service=site;dbname=db", User: "u", Environ: with()}, postgresReading{"etc:5432/db", "u", "p=w"}},
		"a service of another file":      {database.Source{DSN: "DBI:Pg:service=pbx", Password: "p", Environ: databasetest.Environ("PGSERVICEFILE", own)}, postgresReading{"sh:5555/sdb", "su", "p"}},
		"~/.pgpass":                      {database.Source{DSN: "DBI:Pg:dbname=db;host=ph", User: "pu", Environ: with()}, postgresReading{"ph:5432/db", "pu", "from : pgpass"}},
		"~/.pgpass for a socket":         {database.Source{DSN: "DBI:Pg:dbname=db;host=/s", User: "pu", Environ: with()}, postgresReading{"unix(/s/.s.PGSQL.5432)/db", "pu", "socket"}},
		"~/.pgpass without a line":       {database.Source{DSN: "DBI:Pg:dbname=db;host=ph", User: "nobody", Environ: with()}, postgresReading{"ph:5432/db", "nobody", ""}},
		"a passfile":                     {database.Source{DSN: "DBI:Pg:dbname=db;host=h;passfile=" + other, User: "u", Environ: with()}, postgresReading{"h:5432/db", "u", "other"}},
		"a passfile of the environment":  {database.Source{DSN: "DBI:Pg:dbname=db;host=h", User: "u", Environ: with("PGPASSFILE", other)}, postgresReading{"h:5432/db", "u", "other"}},
		"a password before any passfile": {database.Source{DSN: "DBI:Pg:dbname=db;host=h;passfile=" + other, User: "u", Password: "p", Environ: with()}, postgresReading{"h:5432/db", "u", "p"}},
		"PGHOSTADDR":                     {database.Source{DSN: "DBI:Pg:dbname=db", User: "u", Environ: with("PGHOSTADDR", "10.0.0.9")}, postgresReading{"10.0.0.9:5432/db", "u", ""}},
	} {
		got, f := readPostgresSource(c.source)
		if diff := cmp.Diff(c.want, got); diff != "" || f.Err() != nil || len(f.Warnings) > 0 {
			t.Errorf("%s: %v, %v (-want +got):\n%s", what, f.Err(), f.Warnings, diff)
		}
	}
	if got, _ := readPostgresSource(database.Source{DSN: "DBI:Pg:host=h"}); got.User != dsn.LoginName() || got.Address != "h:5432/"+dsn.LoginName() {
		t.Errorf("without a user: %v, want the account's name", got)
	}
}

func TestPostgresSessions(t *testing.T) {
	for what, c := range map[string]struct {
		dsn     string
		environ []string
		want    map[string]string
	}{
		"nothing":          {"", nil, nil},
		"options":          {";options='-c search_path=voice,public -c geqo=off'", nil, map[string]string{"options": "-c search_path=voice,public -c geqo=off"}},
		"a name":           {";application_name=pbx;fallback_application_name=no", nil, map[string]string{"application_name": "pbx"}},
		"a fallback name":  {";fallback_application_name=pbx", nil, map[string]string{"application_name": "pbx"}},
		"the environment":  {"", []string{"PGOPTIONS", "-c a=b", "PGAPPNAME", "env", "PGTZ", "Europe/Vienna", "PGDATESTYLE", "German"}, map[string]string{"options": "-c a=b", "application_name": "env", "timezone": "Europe/Vienna", "datestyle": "German"}},
		"another encoding": {";client_encoding=LATIN1", nil, nil},
	} {
		_, config, f := readPostgresForTest(database.Source{DSN: "DBI:Pg:dbname=db;host=h" + c.dsn, User: "u", Environ: databasetest.Environ(append(c.environ, "HOME", "/nosuch")...)})
		want := map[string]string{"client_encoding": "UTF8", "application_name": "dbsep"}
		for name, value := range c.want {
			want[name] = value
		}
		if f.Err() != nil {
			t.Errorf("%s: %v", what, f.Err())
		} else if diff := cmp.Diff(want, config.RuntimeParams); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestPostgresTimeouts(t *testing.T) {
	for what, c := range map[string]struct {
		dsn     string
		setting time.Duration
		want    time.Duration
	}{
		"the default":         {"", 0, 5 * time.Second},
		"of the DSN":          {";connect_timeout=7", 0, 7 * time.Second},
		"none":                {";connect_timeout=0", 0, 5 * time.Second},
		"the setting, before": {";connect_timeout=7", time.Second, time.Second},
	} {
		_, config, f := readPostgresForTest(database.Source{DSN: "DBI:Pg:dbname=db;host=h" + c.dsn, ConnectTimeout: c.setting})
		if f.Err() != nil || config.ConnectTimeout != c.want {
			t.Errorf("%s: %v, %v, want %v", what, config.ConnectTimeout, f.Err(), c.want)
		}
	}
}

func TestPostgresWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"DBI:Pg:dbname=db;host=h":                                                   "",
		"DBI:Pg:dbname=db;host=h;client_encoding=UTF8":                              "",
		"DBI:Pg:dbname=db;host=h;client_encoding=utf-8":                             "",
		"DBI:Pg:dbname=db;host=h;gssencmode=prefer":                                 "",
		"DBI:Pg:dbname=db;host=h;keepalives_idle=9;tcp_user_timeout=1":              "",
		"DBI:Pg(pg_server_prepare=>1,pg_enable_utf8=>1,pg_bool_tf=>0):dbname=db":    "",
		"DBI:Pg(PrintError=>0):dbname=db":                                           "",
		"DBI:Pg:dbname=db;client_encoding=LATIN1":                                   "always UTF-8",
		"DBI:Pg:dbname=db;krbsrvname=x":                                             "Kerberos",
		"DBI:Pg:dbname=db;load_balance_hosts=random":                                "in their order",
		"DBI:Pg:dbname=db;host=h;passfile=/nosuch":                                  "names the passfile /nosuch",
		"DBI:Pg:dbname=db;host=h;sslmode=require;sslrootcert=/nosuch":               "is not verified",
		"DBI:Pg:dbname=db;host=/s;sslmode=verify-full;sslrootcert=/nosuch":          "", // TLS does not count for a socket
		"DBI:Pg(pg_bool_tf=>1):dbname=db":                                           "pg_bool_tf",
		"DBI:Pg(pg_expand_array=>1):dbname=db":                                      "an array is its text",
		"DBI:Pg(mysql_enable_utf8=>1):dbname=db":                                    `"mysql_enable_utf8"`,
		"DBI:Pg(AutoCommit=>0):dbname=db":                                           "lost every change",
		"DBI:pg:dbname=db":                                                          "spells the driver",
		"DBI:Pg:dbname=db;gssencmode=disable;sslcompression=1;sslsni=1;requiressl=": "",
	} {
		_, f := readPostgresSource(database.Source{DSN: text, User: "u"})
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
}

func TestPostgresProblems(t *testing.T) {
	dir := t.TempDir()
	nothing := filepath.Join(dir, "nothing.pem")
	if err := os.WriteFile(nothing, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	service := filepath.Join(dir, "service")
	if err := os.WriteFile(service, []byte("[bad]\nhost=h\nnonsense\nhostname=x\n[worse]\nservice=bad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		"DBI:Pg:asterisk":                                                       {"holds something that is no name=value"},
		"DBI:Pg:dbname=db;asterisk":                                             {"holds something that is no name=value"},
		"DBI:Pg:dbname=db;host=h;port=5432 # main":                              {"holds something that is no name=value"},
		"DBI:Pg:=x":                                                             {"holds something that is no name=value"},
		"DBI:Pg:dbname='db":                                                     {"holds a quote without its end"},
		"DBI:Pg:dbname='db\\'":                                                  {"holds a quote without its end"},
		"DBI:Pg:dbname=db\x00":                                                  {"holds a NUL byte"},
		"DBI:Pg:dbname=db;hostname=h":                                           {`sets "hostname", which PostgreSQL does not have`},
		"DBI:Pg:dbname=db;schema=voice;Host=h":                                  {`sets "schema", which`, `sets "Host", which`},
		"DBI:Pg:dbname=db;pg_enable_utf8=0":                                     {`sets "pg_enable_utf8", which`},
		"DBI:Pg:postgresql://u:p@h/db?sslmode=require":                          {"sets a name that PostgreSQL does not have"},
		"DBI:Pg:dbname=db;password=two words=x":                                 {"sets a name that PostgreSQL does not have"},
		"DBI:Pg:dbname=db;port=x":                                               {"has a port that is no number"},
		"DBI:Pg:dbname=db;host=a,b;port=1,99999":                                {"has a port that is no number"},
		"DBI:Pg:dbname=db;host=a,b;port=1,2,3":                                  {"has lists of hosts"},
		"DBI:Pg:dbname=db;host=a,b;hostaddr=10.0.0.1":                           {"has lists of hosts"},
		"DBI:Pg:dbname=db;hostaddr=localhost":                                   {"has a hostaddr that is no numeric address"},
		"DBI:Pg:dbname=db;target_session_attrs=writer;sslmode=full":             {"sets target_session_attrs", "sets sslmode"},
		"DBI:Pg:dbname=db;channel_binding=yes":                                  {"sets channel_binding"},
		"DBI:Pg:dbname=db;connect_timeout=soon":                                 {"has connect_timeout"},
		"DBI:Pg:dbname=db;host=h;sslmode=verify-full":                           {"asks for sslmode=verify-full, but the CA file /nosuch/.postgresql/root.crt"},
		"DBI:Pg:dbname=db;host=h;sslmode=verify-ca;sslrootcert=/x":              {"asks for sslmode=verify-ca, but the CA file /x"},
		"DBI:Pg:dbname=db;host=h;sslrootcert=" + nothing:                        {"names the CA file " + nothing},
		"DBI:Pg:dbname=db;host=h;sslcert=/x;sslkey=/y":                          {"names sslcert=/x", "names sslkey=/y"},
		"DBI:Pg:dbname=db;host=h;sslcert=/dev/zero":                             {"names sslcert=/dev/zero", "names sslkey=/nosuch/.postgresql/postgresql.key"},
		fmt.Sprintf("DBI:Pg:dbname=db;host=h;sslcert=%s;sslkey=%[1]s", nothing): {"names a client certificate and key that cannot be loaded"},
		"DBI:Pg:dbname=db;host=h;ssl_min_protocol_version=1.3":                  {"sets ssl_min_protocol_version"},
		"DBI:Pg:dbname=db;host=h;sslcrl=/x":                                     {"sets sslcrl, which has no effect"},
		"DBI:Pg:dbname=db;host=h;gssencmode=require":                            {"sets gssencmode, which has no effect"},
		"DBI:Pg:dbname=db;requirepeer=postgres":                                 {"sets requirepeer, which has no effect"},
		"DBI:Pg:dbname=db;replication=database":                                 {"sets replication, which has no effect"},
		"DBI:Pg:service=nosuch":                                                 {`names the service "nosuch", which no service file has`},
		"DBI:Pg:service=bad":                                                    {"names a service whose file " + service + " has something in line 3", "names a service whose file " + service + " has something in line 4"},
		"DBI:Pg:service=worse":                                                  {"names a service whose file " + service + " has something in line 6"},
		"DBI:Pg(RaiseError):dbname=db":                                          {"holds an attribute without a value"},
	} {
		_, err := database.Open(database.Source{DSN: text, User: "u", Password: "p", Environ: databasetest.Environ("HOME", "/nosuch", "PGSERVICEFILE", service, "PGSYSCONFDIR", "/nosuch")})
		databasetest.WantProblems(t, text, err, want...)
	}
}

// The hint names what a wrong name should have been.
func TestPostgresHints(t *testing.T) {
	for name, want := range map[string]string{"hostname": "write host=", "schema": "dbschema=", "pg_bool_tf": "DBI:Pg(pg_bool_tf=>", "ssl": "sslmode=require"} {
		_, err := database.Open(database.Source{DSN: "DBI:Pg:dbname=db;" + name + "=x"})
		var p *database.Problem
		if !errors.As(err, &p) || !strings.Contains(p.Hint, want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestPostgresBytes(t *testing.T) {
	for text, want := range map[string]string{
		``: "", `\x`: "", `\x00ff`: "\x00\xff", `abc`: "abc", `a\\b`: `a\b`, `\000\377`: "\x00\xff", `\\x41`: `\x41`,
		`\x0`: "error", `\xzz`: "error", `a\`: "error", `a\9`: "error", `\999`: "error",
	} {
		got, err := decodeBytea([]byte(text))
		if err != nil {
			got = []byte("error")
		}
		if string(got) != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}
