package config_test

import (
	"testing"
	"time"

	"dbsep/internal/config"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestTables(t *testing.T) {
	c := parse(t, `dsn=x
[server]
htpasswd=/etc/dbsep/htpasswd
tls_cert=/c
tls_key=/k
client_ca=/a
[Tables]
* = Write
CDR* = none
# a comment
fields = read
ps_auths = read: id, username,password
[tables user:Kamailio]
*=none
[tables  Certificate: edge1.example.org ]
*=read
[tables network:10.1.2.3/16]
*=write
[compat]
semicolons=raw
[tables user:Kamailio]
subscriber=read username
`)
	want := []config.ClientRights{
		{Rights: []config.Right{
			{Pattern: "*", Read: true, Write: true, Columns: []string{}},
			{Pattern: "cdr*", Columns: []string{}},
			{Pattern: "fields", Read: true, Columns: []string{}},
			{Pattern: "ps_auths", Read: true, Columns: []string{"id", "username", "password"}},
		}},
		{Kind: "user", Name: "Kamailio", Rights: []config.Right{
			{Pattern: "*", Columns: []string{}},
			{Pattern: "subscriber", Read: true, Columns: []string{"username"}},
		}},
		{Kind: "certificate", Name: "edge1.example.org", Rights: []config.Right{{Pattern: "*", Read: true, Columns: []string{}}}},
		{Kind: "network", Name: "10.1.0.0/16", Rights: []config.Right{{Pattern: "*", Read: true, Write: true, Columns: []string{}}}},
	}
	if diff := cmp.Diff(want, c.Tables); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c.Compat.Semicolons != "raw" {
		t.Error("the section after the tables was not read")
	}
	expect(t, c.Warnings, nil)
}

func TestThePerlScriptsKeysCountAmongTables(t *testing.T) {
	c := parse(t, "[tables]\n*=none\ndsn=x\n")
	if c.DSN != "x" {
		t.Errorf("dsn is %q", c.DSN)
	}
}

func TestTablesForClientsThatCannotCome(t *testing.T) {
	c := parse(t, "[tables user:a]\n*=none\n[tables certificate:b]\n*=none\n")
	expect(t, c.Warnings, []string{"[tables user:a] only has an effect under a web server", "[tables certificate:b] only has an effect under a web server"})
}

func TestMistakesOfServerAndTables(t *testing.T) {
	problems := mistakes(t, `[server]
allow=10.0.0.0/8, all
htpasswd=passwords
tls_cert=/c
client_ca=/a
socket_mode=0999
status_listen=9108
hosts=pbx.example.org, http://pbx, [::1], pbx:8000, *.example.org
[tables user]
*=none
[tables network:10.0.0.0/33]
*=none
[tables]
a=raed
b=none x
c
d=
e=none
E=write
`)
	expect(t, problems, []string{
		`2: allow: "all" is not a valid network`,
		`3: htpasswd: "passwords" is not an absolute path`,
		`4: a certificate needs its key; set both`,
		`6: socket_mode: "0999" is not a valid file mode`,
		`7: status_listen: "9108" is not a valid address`,
		`8: hosts: "http://pbx" is not a host name; write comma-separated names`,
		`9: the header names no client`,
		`11: "10.0.0.0/33" is not a valid network`,
		`13: the section has no line for all other tables; add *=none, *=read or *=write`,
		`14: "raed" is not a valid right; did you mean read?`,
		`15: columns cannot follow none`,
		`16: the line has no right`,
		`17: the line has no right`,
		`19: a second line of the section is for the same tables; remove one`,
	})
}

func TestSettingsThatNeedTLS(t *testing.T) {
	expect(t, mistakes(t, "[server]\nclient_ca=/a\n"), []string{
		"2: client_ca: client certificates need TLS",
	})
}

func TestSocketForWebServers(t *testing.T) {
	for _, value := range []string{"127.0.0.1:8001", "/run/cgi.sock", "unix:cgi.sock", "unix:/run/"} {
		expect(t, mistakes(t, "[server]\ncgi_listen="+value+"\n"), []string{"2: cgi_listen: \"" + value + "\" is not a socket with an absolute path; write unix: and a path"})
	}
	expect(t, parse(t, "[server]\ncgi_listen=unix:/run/cgi.sock\ncgi_socket_mode=0666\n").Warnings, []string{
		"3: cgi_socket_mode: every account of this machine may write to the socket of cgi_listen",
	})
	expect(t, parse(t, "[server]\ncgi_listen=\ncgi_socket_mode=0660\n").Warnings, nil)
}

func TestMemoryThatIsTooSmallForOneRequest(t *testing.T) {
	for text, want := range map[string][]string{
		"[limits]\nmax_body_bytes=21M\n":                    nil,
		"[limits]\nmax_body_bytes=22M\n":                    {"2: a body of max_body_bytes does not fit into body_memory; set body_memory to three times max_body_bytes"},
		"[limits]\nmax_row_bytes=10M\nbody_memory=12M\n":    nil,
		"[limits]\nmax_row_bytes=11M\nbody_memory=11M\n":    {"2: a row of max_row_bytes may not fit into response_memory", "3: a body of max_body_bytes does not fit"},
		"[limits]\nresponse_memory=16M\n":                   {"2: a row of max_row_bytes may not fit into response_memory; set response_memory to six times max_row_bytes"},
		"[limits]\nresponse_memory=16M\nmax_row_bytes=2M\n": nil,
		"[limits]\nmax_body_bytes=100M\nbody_memory=300M\n": nil,
	} {
		expect(t, parse(t, text).Warnings, want)
	}
}

func TestAges(t *testing.T) {
	c := parse(t, `[database]
lastgood_file=/var/lib/dbsep/lastgood
[LastGood]
PS_* = 24h
ast_config=7d
[cache]
ps_endpoints=0
extensions=500ms
fields=2
`)
	if diff := cmp.Diff([]config.MaxAge{{"ps_*", 24 * time.Hour}, {"ast_config", 7 * 24 * time.Hour}}, c.LastGood); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]config.MaxAge{{"ps_endpoints", 0}, {"extensions", 500 * time.Millisecond}, {"fields", 2 * time.Second}}, c.Cache); diff != "" {
		t.Error(diff)
	}
	expect(t, c.Warnings, nil)
	expect(t, mistakes(t, "[lastgood]\nps_aors=24h\nps_auths=0\nx=soon\ny\nz=1000d\n[cache]\na=-1s\n"), []string{
		"[lastgood] has no file for its responses; set lastgood_file",
		"3: not a valid duration; write TABLE=24h, or 7d",
		"4: not a valid duration", "5: not a valid duration", "6: not a valid duration",
		"8: not a valid duration; write TABLE=500ms, or 0",
	})
}

func TestCompatForSomeTables(t *testing.T) {
	c := parse(t, `dsn=DBI:SQLite:x
[compat ps_*]
strict=yes
[Compat CDR]
strict = NO
Order=calldate
[compat]
strict=no
unknown_columns=skip
[compat location]
semicolons=Raw
order=NONE
unknown_columns=
store_duplicate=replace
[compat nothing]
`)
	common := config.Compat{Semicolons: "encode", UnknownColumns: "skip", StoreDuplicate: "fail", Require: "warn"}
	ps, cdr := common, common
	ps.Strict, cdr.Order = true, "calldate"
	want := []config.TableCompat{
		{Pattern: "ps_*", Compat: ps},
		{Pattern: "cdr", Compat: cdr},
		{Pattern: "location", Compat: config.Compat{Order: "none", Semicolons: "raw", StoreDuplicate: "replace", Require: "warn"}},
		{Pattern: "nothing", Compat: common},
	}
	if diff := cmp.Diff(want, c.TableCompat, cmpopts.IgnoreUnexported(config.TableCompat{})); diff != "" || c.Compat != common {
		t.Errorf("%+v (-want +got):\n%s", c.Compat, diff)
	}
	if location := c.TableCompat[2]; location.Line("semicolons") != 11 || location.Text("semicolons") != "Raw" || location.Line("strict") != 0 {
		t.Errorf("semicolons=%s is in line %d, strict in line %d", location.Text("semicolons"), location.Line("semicolons"), location.Line("strict"))
	}
	expect(t, c.Warnings, nil)
	expect(t, parse(t, "dsn=x\n[compat cdr]\norder=a\norder=b\n").Warnings, []string{"3: order: line 4 sets it again"})
}

func TestMistakesOfCompatForSomeTables(t *testing.T) {
	for text, want := range map[string]string{
		"[compat cdr]\nstrict=maybe":            `2: strict: "maybe" is neither yes nor no; write yes or no`,
		"[compat cdr]\nsemicolons=row":          `2: semicolons: "row" is not one of the choices; did you mean raw? write encode or raw`,
		"[compat cdr]\nsemicolons=":             "2: semicolons: the value is empty",
		"[compat cdr]\norder=a, b":              `2: order: "a, b" is not the name of one column; write a column, the lowest value comes first, or none`,
		"[compat cdr]\norder=position desc":     `2: order: "position desc" is not the name of one column`,
		"[compat cdr]\nstrct=no":                "2: strct: [compat PATTERN] has no such setting; did you mean strict?",
		"[compat cdr]\nlisten=:80":              "2: listen: [compat PATTERN] has no such setting; it has order, semicolons, unknown_columns, store_duplicate, require, strict",
		"[compat cdr]\nps_contacts":             "2: the line is neither name=value nor a comment; write name=value",
		"[compat a]\nstrict=no\n[compat A]":     "3: a second section is for the same tables; put the lines of both into one",
		"[compat location, dispatcher]":         "1: the header names several tables; write a section for each",
		"[compat cdr":                           "1: the header of section compat cdr is damaged",
		"[compat]\norder=calldate ASC":          `2: order: "calldate ASC" is not the name of one column`,
		"[compat full name]\norder=full name,x": `2: order: "full name,x" is not the name of one column`,
	} {
		expect(t, mistakes(t, text+"\n"), []string{want})
	}
}
