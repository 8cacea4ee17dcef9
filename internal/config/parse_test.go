package config_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dbsep/internal/config"

	"github.com/google/go-cmp/cmp"
)

// parse reads a text that must have no mistakes.
func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("dbsep.conf", []byte(text))
	if err != nil {
		t.Fatalf("Parse(%q):\n%v", text, err)
	}
	return c
}

// mistakes reads a text that must have some.
func mistakes(t *testing.T, text string) config.Problems {
	t.Helper()
	c, err := config.Parse("dbsep.conf", []byte(text))
	var problems config.Problems
	if !errors.As(err, &problems) || c == nil {
		t.Fatalf("Parse(%q) = %v, %v; want Problems and what could be read", text, c, err)
	}
	return problems
}

// perl is what the five keys say.
type perl struct {
	DSN, User, Password, Schema string
	HasUser, HasPassword        bool
}

func keys(c *config.Config) perl {
	return perl{c.DSN, c.User, c.Password, c.Schema, c.HasUser, c.HasPassword}
}

func TestFiveKeys(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       perl
		warnings   []string // each is part of one warning, in order
	}{
		{name: "a plain file", text: "dsn=DBI:SQLite:t.db\ndbuser=u\ndbpass=p\ndbschema=s\nbackslash_is_escape=yes\n",
			want: perl{DSN: "DBI:SQLite:t.db", User: "u", Password: "p", Schema: "s", HasUser: true, HasPassword: true}},
		{name: "an empty file", text: ""},
		{name: "no final newline", text: "dsn=DBI:mysql:asterisk",
			want: perl{DSN: "DBI:mysql:asterisk"}},
		{name: "keys in any case", text: "DSN=x\nDbUser=u\n",
			want: perl{DSN: "x", User: "u", HasUser: true}},
		{name: "spaces around =", text: "dsn = x\n",
			want:     perl{DSN: "x"},
			warnings: []string{"1: dsn: the Perl script does not find the key because of the spaces before =", "1: dsn: for the Perl script the spaces around the value"}},
		{name: "a tab before =", text: "dsn\t=x\n",
			want: perl{DSN: "x"}, warnings: []string{"spaces before ="}},
		{name: "a space after =", text: "dsn= x\n",
			want: perl{DSN: "x"}, warnings: []string{"spaces around the value"}},
		{name: "a space after a password", text: "dbpass=plain \n",
			want: perl{Password: "plain", HasPassword: true}, warnings: []string{"spaces around the value"}},
		{name: "comments and empty lines", text: "# a=b\n;c=d\n\n   \ndsn=x\n",
			want: perl{DSN: "x"}},
		{name: "an indented comment, which the Perl script ignored as a key", text: "  # dsn=y\n\t; note\ndsn=x\n",
			want: perl{DSN: "x"}},
		{name: "no comment after a password", text: "dbpass=x ; y\n",
			want: perl{Password: "x ; y", HasPassword: true}},
		{name: "no comment after a DSN, but a warning", text: "dsn=DBI:mysql:host=h;port=18206 # main\n",
			want: perl{DSN: "DBI:mysql:host=h;port=18206 # main"}, warnings: []string{"looks like a comment"}},
		{name: "a comment with a semicolon", text: "dsn=DBI:mysql:asterisk ; main\n",
			want: perl{DSN: "DBI:mysql:asterisk ; main"}, warnings: []string{"looks like a comment"}},
		{name: "a space before a parameter is no comment", text: "dsn=DBI:Pg:dbname=a ; host=b\n",
			want: perl{DSN: "DBI:Pg:dbname=a ; host=b"}},
		{name: "further = are kept", text: "dbpass=pa=ss word\n",
			want: perl{Password: "pa=ss word", HasPassword: true}},
		{name: "a = that ends a value is kept, with a warning", text: "dbpass=cGxhaW4==\n",
			want: perl{Password: "cGxhaW4==", HasPassword: true}, warnings: []string{"remove the trailing = from the line"}},
		{name: "the last of a repeated key counts", text: "dbpass=one\ndbpass=two\n",
			want: perl{Password: "two", HasPassword: true}, warnings: []string{"dbsep.conf:1: dbpass: line 2 sets it again"}},
		{name: "CR LF", text: "dsn=x\r\ndbpass=p\r\n",
			want: perl{DSN: "x", Password: "p", HasPassword: true}, warnings: []string{"1: dsn: the line ends in CR LF"}},
		{name: "a byte order mark", text: "\ufeffdsn=x\n",
			want: perl{DSN: "x"}, warnings: []string{"byte order mark"}},
		{name: "a byte order mark before a comment does no harm", text: "\ufeff# mine\ndsn=x\n",
			want: perl{DSN: "x"}},
		{name: "indentation", text: "  dsn=x\n",
			want: perl{DSN: "x"}, warnings: []string{"spaces at the beginning of the line"}},
		{name: "quotes are part of a value", text: "dbuser='u'\ndbpass=\"p\"\n",
			want:     perl{User: "'u'", HasUser: true, Password: `"p"`, HasPassword: true},
			warnings: []string{"1: dbuser: the quotes are part", "2: dbpass: the quotes are part"}},
		{name: "an arrow is no =", text: "dsn=>x\n",
			want: perl{DSN: ">x"}},
		{name: "an unknown key", text: "dbusr=u\ndns=x\ncolour=red\ndbpassword=p\n",
			warnings: []string{"1: dbusr: no such setting; the line has no effect, as with the Perl script; did you mean dbuser?",
				"2: dns: no such setting; the line has no effect, as with the Perl script; did you mean dsn?", "3: colour: no such setting", "4: dbpassword: no such setting; the line has no effect, as with the Perl script; did you mean dbpass?"}},
		{name: "an unknown section", text: "[general]\ndsn=x\nfoo=bar\ndbpas=p\nnothing\n",
			want: perl{DSN: "x"}, warnings: []string{"1: no such section", "4: dbpas: no such setting"}},
		{name: "a section whose name is mistyped", text: "[limit]\nmax_body_bytes=1\n",
			warnings: []string{"did you mean limits?"}},
		{name: "a line without =", text: "dbpass\n= x\n",
			warnings: []string{"1: the line is neither name=value nor a comment", "2: the line is neither"}},
		{name: "backslash_is_escape has nothing left to do", text: "backslash_is_escape=no\r\n",
			warnings: []string{"backslash_is_escape: dbsep passes every value"}},
		{name: "a missing line is not an empty one", text: "dbuser=\n",
			want: perl{HasUser: true}},
		{name: "the keys count in every section", text: "[server]\ndsn=x\n[compat]\nDBPASS=p\n",
			want: perl{DSN: "x", Password: "p", HasPassword: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := parse(t, test.text)
			if diff := cmp.Diff(test.want, keys(c)); diff != "" {
				t.Errorf("the keys differ (-want +got):\n%s", diff)
			}
			expect(t, c.Warnings, test.warnings)
		})
	}
}

// expect compares problems with a part of the text of each.
func expect(t *testing.T, got config.Problems, want []string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok && strings.Contains(got[i].Error(), want[i])
	}
	if !ok {
		t.Errorf("problems:\n%v\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func TestPasswordIsWhatItsLineSays(t *testing.T) {
	for _, password := range []string{
		`p#a;s`, `a # b`, `a ; b`, `x\`, `\`, `a\\`, `"quoted"`, `'quoted'`, "`ticks`", "`", "``", "a`b", `"""`, `""""`, `"""x"""`, `"""x`,
		`%(dsn)s`, `${HOME}`, `pa=ss`, `=`, `==x`, `cGxhaW4==`, `[section]`, `#`, `;`, "\xa0nbsp\xa0", "caf\xe9", "é", "\u00a0", "\u2003x\u2003", "a\rb", "\x85", "a\tb",
	} {
		c := parse(t, "dsn=before\ndbpass="+password+"\ndbuser=after\n")
		want := perl{DSN: "before", User: "after", HasUser: true, Password: password, HasPassword: true}
		if diff := cmp.Diff(want, keys(c)); diff != "" {
			t.Errorf("password %q (-want +got):\n%s", password, diff)
		}
	}
}

func TestEverySetting(t *testing.T) {
	c := parse(t, `dsn=x
[Server]
Listen = unix:/run/dbsep/dbsep.sock
allow = 10.1.2.3/16, 192.0.2.7 fd00::1
hosts = PBX.example.org, dbsep asterisk_rt
htpasswd=/etc/dbsep/htpasswd
tls_cert=/etc/dbsep/cert.pem
tls_key=/etc/dbsep/key.pem
client_ca=/etc/dbsep/ca.pem
socket_mode=600
socket_group=asterisk
cgi_listen=unix:/run/dbsep/web.sock
cgi_socket_mode=0600
cgi_socket_group=www-data
status_listen=127.0.0.1:9108
[log]
level=Debug
format=JSON
access=yes
slow=250ms
[database] # comment
read_replicas= db2, db3:3307
max_connections=3
connect_timeout=1500ms
busy_timeout=7
lastgood_file=/var/lib/dbsep/lastgood
lastgood_bytes=1M
cache_bytes=2M
[limits]
max_body_bytes=512K
body_memory=2M
max_fields=64
max_rows=66
max_row_bytes=256K
statement_timeout=2s
pool_timeout=2500ms
header_timeout=3s
read_timeout=4s
write_timeout=5s
slow_reader_timeout=5500ms
response_memory=3M
idle_timeout=6s
drain_timeout=1h
max_clients=67
max_clients_per_address=68
[compat]
order=a name
semicolons=RAW
unknown_columns=skip
store_duplicate=replace
strict=no
`)
	got := []any{c.Server, c.Log, c.Database, c.Limits, c.Compat}
	want := []any{
		config.Server{
			Listen: "unix:/run/dbsep/dbsep.sock", Htpasswd: "/etc/dbsep/htpasswd",
			Allow:   []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("fd00::1/128")},
			Hosts:   []string{"pbx.example.org", "dbsep", "asterisk_rt"},
			TLSCert: "/etc/dbsep/cert.pem", TLSKey: "/etc/dbsep/key.pem", ClientCA: "/etc/dbsep/ca.pem",
			SocketMode: 0o600, SocketGroup: "asterisk", StatusListen: "127.0.0.1:9108",
			CGIListen: "unix:/run/dbsep/web.sock", CGISocketMode: 0o600, CGISocketGroup: "www-data",
		},
		config.Log{Level: "debug", Format: "json", Access: true, Slow: 250 * time.Millisecond},
		config.Database{ReadReplicas: "db2, db3:3307", ServerPrepare: true, MaxConnections: 3, ConnectTimeout: 1500 * time.Millisecond, BusyTimeout: 7 * time.Second,
			LastGoodFile: "/var/lib/dbsep/lastgood", LastGoodBytes: 1 << 20, CacheBytes: 2 << 20},
		config.Limits{MaxBodyBytes: 512 << 10, BodyMemory: 2 << 20, MaxFields: 64, MaxRows: 66, MaxRowBytes: 256 << 10, Statement: 2 * time.Second, PoolTimeout: 2500 * time.Millisecond,
			Header: 3 * time.Second, Read: 4 * time.Second, Write: 5 * time.Second, SlowReaderTimeout: 5500 * time.Millisecond, ResponseMemory: 3 << 20, Idle: 6 * time.Second, Drain: time.Hour,
			MaxClients: 67, MaxClientsPerAddress: 67},
		config.Compat{Order: "a name", Semicolons: "raw", UnknownColumns: "skip", StoreDuplicate: "replace", Require: "warn"},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	expect(t, c.Warnings, nil)
}

func TestDefault(t *testing.T) {
	c := config.Default()
	got := []any{c.Server, c.Log, c.Database, c.Limits, c.Compat}
	want := []any{
		config.Server{Listen: "127.0.0.1:8000", SocketMode: 0o660, CGISocketMode: 0o660},
		config.Log{Level: "info", Format: "text", Slow: time.Second},
		config.Database{ServerPrepare: true, MaxConnections: 16, ConnectTimeout: 5 * time.Second, BusyTimeout: 5 * time.Second,
			LastGoodBytes: 256 << 20, CacheBytes: 64 << 20},
		config.Limits{MaxBodyBytes: 4 << 20, BodyMemory: 64 << 20, MaxFields: 512, MaxRows: 1000000, MaxRowBytes: 4 << 20, Statement: 10 * time.Second, PoolTimeout: 5 * time.Second,
			Header: 10 * time.Second, Read: 30 * time.Second, Write: 30 * time.Second, SlowReaderTimeout: time.Second, ResponseMemory: 64 << 20, Idle: 125 * time.Second, Drain: 30 * time.Second,
			MaxClients: 8192, MaxClientsPerAddress: 4096},
		config.Compat{Semicolons: "encode", StoreDuplicate: "fail", Require: "warn", Strict: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if keys(&c) != (perl{}) {
		t.Errorf("the Perl script's keys have defaults: %+v", keys(&c))
	}
}

func TestValues(t *testing.T) {
	for _, test := range []struct {
		line, section string
		mistake       string // empty: the value is fine
	}{
		{"listen=:8000", "server", ""},
		{"listen=[::1]:8000", "server", ""},
		{"listen=pbx.example.org:80", "server", ""},
		{"listen=8000", "server", `"8000" is not a valid address`},
		{"listen=localhost", "server", "is not a valid address"},
		{"listen=http://localhost:80", "server", "is not a valid address"},
		{"listen=localhost:http", "server", "has no port from 1 to 65535"},
		{"listen=localhost:0", "server", "has no port"},
		{"listen=localhost:65536", "server", "has no port"},
		{"listen=unix:dbsep.sock", "server", "absolute path"},
		{"listen=unix:/run/dbsep/", "server", "absolute path"},
		{"listen=", "server", "the value is empty; remove the line to use the default, or write host:port"},
		{"max_connections=10000", "database", ""},
		{"max_connections=0", "database", "write a whole number from 1 to 10000"},
		{"max_connections=ten", "database", "is not a number in range"},
		{"connect_timeout=10", "database", ""},
		{"connect_timeout=0", "database", "is out of range; write 1ms to 24h"},
		{"connect_timeout=-1s", "database", "is out of range"},
		{"connect_timeout=25h", "database", "is out of range"},
		{"connect_timeout=99999999999999999999", "database", "is not a valid duration"},
		{"connect_timeout=2 minutes", "database", "is not a valid duration; write a number and a unit"},
		{"max_body_bytes=1048576", "limits", ""},
		{"max_body_bytes=4MiB", "limits", ""},
		{"max_body_bytes=64 kb", "limits", ""},
		{"max_body_bytes=1g", "limits", ""},
		{"max_body_bytes=2G", "limits", "is out of range; write 1K to 1G"},
		{"max_body_bytes=12", "limits", "is out of range"},
		{"max_body_bytes=-4M", "limits", "is not a valid size"},
		{"max_body_bytes=4.5M", "limits", "is not a valid size"},
		{"max_body_bytes=M", "limits", "is not a valid size"},
		{"semicolons=encoded", "compat", "did you mean encode? write encode or raw"},
		{"semicolons=", "compat", "the value is empty"},
		{"unknown_columns=", "compat", ""},
		{"unknown_columns=ignore", "compat", "is not one of the choices; write skip or fail"},
		{"store_duplicate=Replace", "compat", ""},
		{"store_duplicate=" + strings.Repeat("x", 100), "compat", `xxx..." is not one of the choices`},
	} {
		t.Run(test.line, func(t *testing.T) {
			text := "[" + test.section + "]\n" + test.line + "\n"
			if test.mistake == "" {
				parse(t, text)
				return
			}
			expect(t, mistakes(t, text), []string{test.mistake})
		})
	}
}

func TestServerPrepareIsAutoOrNo(t *testing.T) {
	for text, want := range map[string]bool{"auto": true, "Auto": true, "yes": true, "1": true, "no": false, "off": false} {
		c := parse(t, "dsn=x\n[database]\nserver_prepare="+text+"\n")
		if c.Database.ServerPrepare != want {
			t.Errorf("%s is %v", text, c.Database.ServerPrepare)
		}
	}
	expect(t, mistakes(t, "dsn=x\n[database]\nserver_prepare=sometimes\n"), []string{`3: server_prepare: "sometimes" is neither auto nor no; write auto or no`})
}
