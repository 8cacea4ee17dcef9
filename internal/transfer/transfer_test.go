package transfer_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/asterisk"
	_ "dbsep/internal/database/all"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/internal/schema"
	"dbsep/internal/setup"
	"dbsep/internal/sqlitedriver"
	"dbsep/internal/transfer"
)

func TestMain(m *testing.M) {
	code := m.Run()
	mariadbtest.Stop()
	pgtest.Stop()
	os.Exit(code)
}

// A site is a database with Asterisk's tables, and a folder with Asterisk's files.
type site struct {
	*sql.DB
	t      *testing.T
	folder string
	conf   string
}

// databases open an empty database, and return the lines of dbsep.conf that lead there.
var databases = map[string]func(t *testing.T) (db *sql.DB, conf string){
	"SQLite": func(t *testing.T) (*sql.DB, string) {
		file := filepath.Join(t.TempDir(), "site.db")
		check(t, os.WriteFile(file, nil, 0o600))
		db, err := sql.Open(sqlitedriver.Name, "file:"+file+"?_busy_timeout=10000")
		check(t, err)
		t.Cleanup(func() { db.Close() })
		return db, "dsn=DBI:SQLite:dbname=" + file
	},
	"MariaDB": func(t *testing.T) (*sql.DB, string) {
		server := mariadbtest.Start(t)
		name := server.Database(t)
		db, err := server.Open(name)
		check(t, err)
		t.Cleanup(func() { db.Close() })
		return db, fmt.Sprintf("dsn=DBI:mysql:database=%s;mysql_socket=%s\ndbuser=%s\ndbpass=%s", name, server.Socket, server.User, server.Password)
	},
	"PostgreSQL": func(t *testing.T) (*sql.DB, string) {
		server := pgtest.Start(t)
		name := server.Database(t)
		return server.Open(t, name), fmt.Sprintf("dsn=DBI:Pg:dbname=%s;host=%s;port=%d\ndbuser=%s\ndbpass=%s",
			name, server.SocketDir, server.Port, server.User, server.Password)
	},
}

// newSite makes a site whose dbsep.conf has further lines.
func newSite(t *testing.T, kind string, settings ...string) *site {
	t.Helper()
	db, conf := databases[kind](t)
	s := &site{db, t, t.TempDir(), filepath.Join(t.TempDir(), "dbsep.conf")}
	check(t, os.WriteFile(s.conf, []byte(conf+"\n"+strings.Join(settings, "\n")), 0o600))
	l := s.load()
	tables, err := asterisk.Tables(release(t), "pjsip", "static")
	check(t, err)
	plan, err := schema.Compare(t.Context(), l.DB, "", tables)
	check(t, err)
	check(t, plan.Apply(t.Context()))
	return s
}

func release(t *testing.T) asterisk.Release {
	t.Helper()
	r, _, err := asterisk.FindRelease("22")
	check(t, err)
	return r
}

func (s *site) load() *setup.Loaded {
	s.t.Helper()
	l, err := setup.LoadToAlter(s.conf, false)
	check(s.t, err)
	s.t.Cleanup(l.Close)
	return l
}

func (s *site) exec(statements ...string) {
	s.t.Helper()
	for _, text := range statements {
		if _, err := s.ExecContext(s.t.Context(), text); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
	}
}

// write writes a file and returns its path.
func (s *site) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	check(s.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// read is a file as rows.
func (s *site) read(name, text string, o transfer.Options) (*transfer.Source, error) {
	s.t.Helper()
	if o.Table == "" {
		o.Table = transfer.DefaultTable
	}
	return transfer.Read(s.write(name, text), o)
}

// plan compares a file with the tables.
func (s *site) plan(name, text string, o transfer.Options) (*transfer.Plan, error) {
	s.t.Helper()
	source, err := s.read(name, text, o)
	if err != nil {
		return nil, err
	}
	return transfer.NewPlan(s.t.Context(), s.load(), []*transfer.Source{source}, o, release(s.t))
}

// store imports a file, which has to succeed, and returns the summary.
func (s *site) store(name, text string, o transfer.Options) string {
	s.t.Helper()
	p, err := s.plan(name, text, o)
	check(s.t, err)
	check(s.t, p.Apply(s.t.Context()))
	var out strings.Builder
	check(s.t, p.Summary(&out))
	return strings.TrimPrefix(out.String(), s.folder+"/")
}

// show writes the rows that an import would add.
func (s *site) show(name, text string, o transfer.Options) string {
	s.t.Helper()
	p, err := s.plan(name, text, o)
	check(s.t, err)
	var out strings.Builder
	check(s.t, p.Write(&out))
	return out.String()
}

// rows reads rows as lines, with | between the values.
func (s *site) rows(query string) string {
	s.t.Helper()
	rows, err := s.QueryContext(s.t.Context(), query)
	check(s.t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	check(s.t, err)
	var lines []string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		check(s.t, rows.Scan(targets...))
		parts := make([]string, len(columns))
		for i, v := range values {
			parts[i] = v.String
			if !v.Valid {
				parts[i] = "NULL"
			}
		}
		lines = append(lines, strings.Join(parts, "|"))
	}
	check(s.t, rows.Err())
	return strings.Join(lines, "\n")
}

// refuses reports an error that does not have all the texts.
func refuses(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, text := range want {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v, without %q", err, text)
		}
	}
}

func equal(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const phones = `[phone](!)
type=endpoint
context=internal
disallow=all
allow=ulaw
[alice](phone)
allow=alaw
auth=alice
set_var=A=1\;2
set_var=B=^3B
timers_min_se=90
[alice]
type=auth
auth_type=userpass
password=secret
[alice]
type=aor
contact=sip:a@192.0.2.1\;ob
contact=sip:a@192.0.2.2
qualify_timeout=2.50
`

// TestObjectsOfPJSIP imports, imports again, changes and replaces, on each database.
func TestObjectsOfPJSIP(t *testing.T) {
	for kind := range databases {
		t.Run(kind, func(t *testing.T) {
			s := newSite(t, kind)
			s.exec("ALTER TABLE ps_endpoints ADD COLUMN tenant VARCHAR(20)",
				"INSERT INTO ps_aors (id, max_contacts) VALUES ('other', 1)")
			const added = "pjsip.conf: 1 in ps_endpoints added, 1 in ps_auths added, 1 in ps_aors added\n"
			equal(t, "the first time", added, s.store("pjsip.conf", phones, transfer.Options{}))
			const endpoints = "SELECT id, context, disallow, allow, auth, set_var, timers_min_se, dtmf_mode, tenant FROM ps_endpoints"
			const stored = "alice|internal|all|ulaw;alaw|alice|A=1^3B2;B=^5E3B|90|NULL|"
			equal(t, "endpoints", stored+"NULL", s.rows(endpoints))
			equal(t, "auths", "alice|userpass|secret", s.rows("SELECT id, auth_type, password FROM ps_auths"))
			equal(t, "aors", "alice|sip:a@192.0.2.1^3Bob;sip:a@192.0.2.2|NULL\nother|NULL|1", s.rows("SELECT id, contact, max_contacts FROM ps_aors ORDER BY id"))

			const same = "pjsip.conf: 1 in ps_endpoints unchanged, 1 in ps_auths unchanged, 1 in ps_aors unchanged\n"
			equal(t, "the second time", same, s.store("pjsip.conf", phones, transfer.Options{}))

			s.exec("UPDATE ps_endpoints SET context = 'x', dtmf_mode = 'info', tenant = 'mine'")
			_, err := s.plan("pjsip.conf", phones, transfer.Options{})
			refuses(t, err, "pjsip.conf:6: ps_endpoints has another alice already; --replace replaces it")
			equal(t, "with --replace", "pjsip.conf: 1 in ps_endpoints replaced, 1 in ps_auths unchanged, 1 in ps_aors unchanged\n",
				s.store("pjsip.conf", phones, transfer.Options{Replace: true}))
			equal(t, "the site's own column stays", stored+"mine", s.rows(endpoints))
			equal(t, "after it", same, s.store("pjsip.conf", phones, transfer.Options{Replace: true}))
		})
	}
}

// TestAStaticFile imports, imports again, changes, replaces and exports, on each database.
func TestAStaticFile(t *testing.T) {
	const text = "[t](!)\nx=1\n[a](t)\nx+=2\ny=v\\;w^3B\n[b]\n[a]\nz=\n"
	for kind := range databases {
		t.Run(kind, func(t *testing.T) {
			s := newSite(t, kind)
			s.exec("INSERT INTO ast_config (filename, cat_metric, var_metric, commented, category, var_name, var_val) VALUES ('other.conf', 1, 0, 0, 'o', 'x', '1')",
				"INSERT INTO ast_config (filename, cat_metric, var_metric, commented, category, var_name, var_val) VALUES ('queues.conf', 1, 0, 1, 'o', 'x', '1')")
			equal(t, "the first time", "queues.conf: 4 in ast_config added\n", s.store("queues.conf", text, transfer.Options{}))
			const query = "SELECT cat_metric, var_metric, category, var_name, var_val FROM ast_config WHERE filename = 'queues.conf' AND commented = 0 ORDER BY cat_metric DESC, var_metric"
			equal(t, "rows", "3|0|a|x|12\n3|1|a|y|v;w^3B\n2|0|b||\n1|0|a|z|", s.rows(query))
			equal(t, "the second time", "queues.conf: 4 in ast_config unchanged\n", s.store("queues.conf", text, transfer.Options{}))

			s.exec("UPDATE ast_config SET var_val = '0' WHERE var_name = 'z'")
			_, err := s.plan("queues.conf", text, transfer.Options{})
			refuses(t, err, "queues.conf: ast_config has another queues.conf already; --replace replaces it")
			equal(t, "with --replace", "queues.conf: 4 in ast_config replaced\n", s.store("queues.conf", text, transfer.Options{Replace: true}))
			equal(t, "other files, and rows that are commented out, stay", "other.conf|0\nqueues.conf|1",
				s.rows("SELECT filename, commented FROM ast_config WHERE category = 'o' ORDER BY filename"))

			exported, commented, err := transfer.Export(t.Context(), s.load().DB, transfer.DefaultTable, "queues.conf")
			check(t, err)
			equal(t, "exported", "[a]\nx = 12\ny = v\\;w^3B\n\n[b]\n\n[a]\nz =\n", exported)
			if commented != 1 {
				t.Errorf("%d rows are commented out", commented)
			}
			equal(t, "what was exported is the same", "queues.conf: 4 in ast_config unchanged\n", s.store("queues.conf", exported, transfer.Options{}))
			_, _, err = transfer.Export(t.Context(), s.load().DB, transfer.DefaultTable, "iax.conf")
			refuses(t, err, `ast_config has no row of iax.conf; choose from ["other.conf" "queues.conf"]`)
		})
	}
}

// TestAllOrNothing imports objects of which the database refuses the last.
func TestAllOrNothing(t *testing.T) {
	for kind := range databases {
		t.Run(kind, func(t *testing.T) {
			s := newSite(t, kind)
			s.exec("ALTER TABLE ps_aors ADD COLUMN tenant VARCHAR(20) NOT NULL DEFAULT 'x'", "CREATE UNIQUE INDEX one ON ps_aors (tenant)",
				"INSERT INTO ps_auths (id, password) VALUES ('b', 'before')")
			p, err := s.plan("pjsip.conf", "[b]\ntype=auth\npassword=after\n[a]\ntype=aor\n[b]\ntype=aor\n", transfer.Options{Replace: true})
			check(t, err)
			err = p.Apply(t.Context())
			refuses(t, err, "pjsip.conf:6: a row with this key exists", "nothing was changed")
			equal(t, "what was there", "before", s.rows("SELECT password FROM ps_auths"))
			equal(t, "what was not", "", s.rows("SELECT id FROM ps_aors"))
		})
	}
}

// TestRows shows which rows become of options of PJSIP.
func TestRows(t *testing.T) {
	s := newSite(t, "SQLite")
	for _, c := range []struct{ name, text, want string }{
		{"the last value counts", "[a]\ntype=endpoint\ncontext=x\nContext=y\n", "+ ps_endpoints id=a context=y\n"},
		{"the first type counts", "[a]\nTYPE=aor\ntype=endpoint\nmax_contacts=1\n", "+ ps_aors id=a max_contacts=1\n"},
		{"values that add up", "[a]\ntype=identify\nendpoint=a\nmatch=1.2.3.4\nmatch=1.2.3.5,1.2.3.6\n", "+ ps_endpoint_id_ips id=a endpoint=a match=1.2.3.4;1.2.3.5,1.2.3.6\n"},
		{"other codecs than those of a template", "[t](!)\ntype=endpoint\ndisallow=all\nallow=ulaw\n[a](t)\ndisallow=all\nallow=alaw\n",
			"+ ps_endpoints id=a disallow=all allow=alaw\n"},
		{"codecs that are taken away", "[a]\ntype=endpoint\nallow=all\ndisallow=g729,!g723\nallow=opus\n", "+ ps_endpoints id=a allow=all;!g729,g723;opus\n"},
		{"addresses in their order", "[a]\ntype=endpoint\npermit=10.0.0.0/8\ndeny=10.1.0.0/16\n", "+ ps_endpoints id=a permit=10.0.0.0/8;!10.1.0.0/16\n"},
		{"addresses in the order of the columns", "[a]\ntype=endpoint\ndeny=0.0.0.0/0\npermit=10.0.0.0/8\n", "+ ps_endpoints id=a deny=0.0.0.0/0 permit=10.0.0.0/8\n"},
		{"a name with a semicolon", "[a\\;b]\ntype=aor\n", "+ ps_aors id=a^3Bb\n"},
		{"names in two cases", "[a]\ntype=aor\n[A]\ntype=aor\n", "+ ps_aors id=a\n+ ps_aors id=A\n"},
		{"passwords are not shown", "[a]\ntype=auth\npassword=p\nmd5_cred=q\noauth_secret=r\nrefresh_token=s\nusername=u\n",
			"+ ps_auths id=a password=*** md5_cred=*** oauth_secret=*** refresh_token=*** username=u\n"},
		{"quotes", "[a]\ntype=endpoint\ncallerid=\"A B\" <1>\n", "+ ps_endpoints id=a callerid=\"\\\"A B\\\" <1>\"\n"},
		{"yes in another word", "[a]\ntype=endpoint\nforce_rport=True\n", "+ ps_endpoints id=a force_rport=True\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			equal(t, "rows", c.want, s.show("pjsip.conf", c.text, transfer.Options{}))
		})
	}
	equal(t, "a static file", "+ ast_config filename=manager.conf cat_metric=1 var_metric=0 commented=0 category=a var_name=secret var_val=***\n",
		s.show("manager.conf", "[a]\nsecret=s\n", transfer.Options{}))
	equal(t, "pjsip.conf as a static file", "+ ast_config filename=pjsip.conf cat_metric=1 var_metric=0 commented=0 category=a var_name=type var_val=x\n",
		s.show("pjsip.conf", "[a]\ntype=x\n", transfer.Options{Static: true}))
}

// TestWhatIsRefused has what no row can hold, with file and line.
func TestWhatIsRefused(t *testing.T) {
	s := newSite(t, "MariaDB", "[compat ps_aors]", "semicolons=raw")
	s.exec("ALTER TABLE ps_endpoints MODIFY context VARCHAR(5), MODIFY dtmf_mode ENUM('rfc4733','info'), DROP COLUMN t38_bind_udptl_to_media_address",
		"DROP TABLE ps_auths")
	for _, c := range []struct{ name, file, text, want string }{
		{"a mistake in the file", "x.conf", "[a\n", "x.conf:1: ] is missing; Asterisk does not read the file for this"},
		{"a program", "x.conf", "[a]\n#exec /bin/true\n", "x.conf:2: what it runs was not run\n--partial leaves these lines out"},
		{"a file that is read early", "extconfig.conf", "[settings]\n", "Asterisk reads this file before it can ask for a table"},
		{"a row that would include a file", "x.conf", "[a]\n\\#include=y\n", "x.conf:2: #include: Asterisk takes a row of this name for a file to include"},
		{"a long name", "x.conf", "[a]\n" + strings.Repeat("n", 129) + "=1\n", "x.conf:2: " + strings.Repeat("n", 129) + ": the value has 129 characters as it is stored, and the column var_name has 128"},
		{"two objects of a name", "pjsip.conf", "[a]\ntype=aor\n[a]\ntype=aor\n", "pjsip.conf:3: [a]: there is another one of its type before it, and Asterisk reads none of the type then"},
		{"an unknown option", "pjsip.conf", "[a]\ntype=endpoint\nnonsense=1\n", "pjsip.conf:3: nonsense: ps_endpoints has no column for it; Asterisk's tables have none: keep this object in a file, or remove the line"},
		{"a missing column", "pjsip.conf", "[a]\ntype=endpoint\nt38_bind_udptl_to_media_address=yes\n", "ps_endpoints has no column for it; dbsep schema upgrade pjsip adds it"},
		{"a missing table", "pjsip.conf", "[a]\ntype=auth\n", "has no table ps_auths; dbsep schema create pjsip makes it"},
		{"an empty value", "pjsip.conf", "[a]\ntype=endpoint\ncontext=\n", "pjsip.conf:3: context: a table has no empty value: Asterisk takes its default instead; remove the line if that is meant"},
		{"a long value", "pjsip.conf", "[a]\ntype=endpoint\ncontext=internal\n", "pjsip.conf:3: context: the value has 8 characters as it is stored, and the column context has 5; dbsep schema upgrade pjsip widens the column"},
		{"a value that semicolons make long", "pjsip.conf", "[a]\ntype=endpoint\ncontext=\\;\\;\n", "the value has 6 characters as it is stored"},
		{"no word of the enumeration", "pjsip.conf", "[a]\ntype=endpoint\ndtmf_mode=inband\n", "pjsip.conf:3: dtmf_mode: the value is not one of the choices; write rfc4733, info"},
		{"no word that Asterisk knows", "pjsip.conf", "[a]\ntype=endpoint\nmedia_encryption=yes\n", "the value is not one of the choices; write no, sdes, dtls"},
		{"no number", "pjsip.conf", "[a]\ntype=aor\nmax_contacts=many\n", "the column max_contacts takes numbers only; write a number"},
		{"a semicolon with semicolons=raw", "pjsip.conf", "[a]\ntype=aor\ncontact=sip:a\\;ob\n", "contact: there is a ; in its value, at which Asterisk splits it, since semicolons=raw holds for ps_aors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.plan(c.file, c.text, transfer.Options{})
			refuses(t, err, c.want)
		})
	}
}

// TestWhatIsLeftOut has what is reported, and does not end an import.
func TestWhatIsLeftOut(t *testing.T) {
	s := newSite(t, "SQLite")
	for _, c := range []struct{ name, file, text, want string }{
		{"an empty section", "x.conf", "[a]\n[b]\nx=1\n", "x.conf:1: [a]: the section has no line, so no row stands for it"},
		{"a line without =", "x.conf", "[b]\nx=1\ny\n", "x.conf:3: there is no = in it"},
		{"a program, with --partial", "x.conf", "[b]\n#exec y\nx=1\n", "x.conf:2: what it runs was not run"},
		{"a type without a table", "pjsip.conf", "[a]\ntype=acl\n[b]\ntype=aor\n", "pjsip.conf:2: type: there is no table for this type of [a]; it stays in the file"},
		{"no type", "pjsip.conf", "[a]\nx=1\n[b]\ntype=aor\n", "pjsip.conf:1: [a]: it has no type, and Asterisk does not read it"},
		{"an empty value, with --partial", "pjsip.conf", "[b]\ntype=aor\nmailboxes=\n", "pjsip.conf:3: mailboxes: a table has no empty value"},
		{"an unknown option, with --partial", "pjsip.conf", "[b]\ntype=aor\nnonsense=1\n", "pjsip.conf:3: nonsense: ps_aors has no column for it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := transfer.Options{Partial: true, Table: transfer.DefaultTable}
			source, err := s.read(c.file, c.text, o)
			check(t, err)
			p, err := transfer.NewPlan(t.Context(), s.load(), []*transfer.Source{source}, o, release(t))
			check(t, err)
			refuses(t, append(source.Notes, p.Notes...), c.want)
			var out strings.Builder
			check(t, p.Write(&out))
			if lines := strings.Split(out.String(), "\n"); len(lines) != 2 || !strings.Contains(lines[0], "=b") {
				t.Errorf("the rows are %s", &out)
			}
		})
	}
}
