//go:build e2e

package asterisk

import (
	"bufio"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dbsep/internal/asteriskconf"
	"dbsep/internal/asteriskconf/conftest"
	"dbsep/internal/testenv"
)

// managerFile lets a test ask Asterisk's manager interface.
const managerFile = "[general]\nenabled = yes\nbindaddr = %s\nport = %s\n[test]\nsecret = test\nread = all\nwrite = all\n"

// fewModules are those of an Asterisk that only reads files.
const fewModules = "[modules]\nautoload = no\nload = res_curl.so\nload = func_curl.so\nload = res_config_curl.so\n"

// TestAsteriskReadsWhatIsImported compares what Asterisk reads of a file with what is read
// of it here, and with what Asterisk reads of the table after an import: files with
// everything that the format can do, and the samples of Debian's package.
func TestAsteriskReadsWhatIsImported(t *testing.T) {
	root := debianRoot(t)
	site := sqliteTables(t)
	p := &pbx{Site: site, Asterisk: testenv.NewAsterisk(t, root), whole: t, url: site.Serve(t)}
	samples, err := filepath.Glob(filepath.Join(root, "etc/asterisk/*.conf"))
	check(t, err)
	extconfig := "[settings]\nf.conf => curl," + p.url + "/ast_config\n"
	for _, sample := range samples {
		extconfig += "sample-" + filepath.Base(sample) + " => curl," + p.url + "/ast_config\n"
	}
	address := testenv.FreeAddress(t)
	host, port, _ := strings.Cut(address, ":")
	for name, text := range map[string]string{"extconfig.conf": extconfig, "modules.conf": fewModules, "manager.conf": fmt.Sprintf(managerFile, host, port)} {
		p.Write(t, name, text)
	}
	p.Start(t)
	m := connectManager(t, address)

	for _, c := range conftest.Cases {
		t.Run(c.Name, func(t *testing.T) {
			clear := func() {
				for _, pattern := range []string{"f.conf", "plain.conf", "[gh]*.conf", ".hidden.conf"} {
					files, _ := filepath.Glob(p.Path("astetcdir", pattern))
					for _, file := range files {
						check(t, os.Remove(file))
					}
				}
			}
			clear()
			defer clear()
			c.Write(t, p.Path("astetcdir"))
			p.Write(t, "plain.conf", c.Text)
			f, err := asteriskconf.Read(p.Path("astetcdir"), "f.conf")
			check(t, err)
			m.compare(t, p, f, "plain.conf", "f.conf")
		})
	}
	t.Run("random files", func(t *testing.T) {
		const seed = 1
		random := rand.New(rand.NewPCG(seed, 0))
		for range randomFiles {
			text := randomFile(random)
			p.Write(t, "f.plain", text)
			f, err := asteriskconf.Read(p.Path("astetcdir"), "f.plain")
			check(t, err)
			if want, read := m.config(t, "f.plain"); read == isRefused(f) || read && want != conftest.ShowSections(f.Sections) {
				t.Errorf("%q: Asterisk reads it: %v, as %q; here it is %q", text, read, want, conftest.Show(f, p.Path("astetcdir")))
			}
		}
	})
	for _, sample := range samples {
		name := filepath.Base(sample)
		t.Run(name, func(t *testing.T) {
			text := read(t, sample)
			p.Write(t, name+".plain", text)
			p.Write(t, "sample-"+name, text)
			f, err := asteriskconf.Read(p.Path("astetcdir"), "sample-"+name)
			check(t, err)
			m.compare(t, p, f, name+".plain", "sample-"+name)
		})
	}
}

const randomFiles = 2000

// fragments are what random files are made of.
var fragments = strings.Split("[a]~[b]~[a](!)~[b](!)~[a](+)~[b](a)~[a](b)~[c](a,b)~(~!)~+~x~y~=~=>~+=~1~2~ ~;~\\;~\\~;--~--;~---~;-~\n~\n~\n~x=1\n~y+=2\n~x+=3\n~"+
	"[a](+x=1)~[a](+x=1&y=2)~&~TEMPLATES=include~,~#~\t~]~[~ ;-- ~ --; ~[c]\n~z=>4\n~x =5\n", "~")

// randomFile is the text of a file that may or may not have mistakes in it.
func randomFile(random *rand.Rand) string {
	text := "[a]\n"
	for range 3 + random.IntN(22) {
		text += fragments[random.IntN(len(fragments))]
	}
	if strings.Contains(text, "(+,") { // Asterisk may add a section to itself without an end
		return "[a]\n"
	}
	return text
}

// isRefused reports whether Asterisk would not read a file.
func isRefused(f *asteriskconf.File) bool {
	return slices.ContainsFunc(f.Problems, func(p asteriskconf.Problem) bool { return p.Effect == asteriskconf.Refused })
}

// sqliteTables is a site with Asterisk's tables on SQLite.
func sqliteTables(t *testing.T) *testenv.Site {
	t.Helper()
	site := testenv.SQLite(t, emptyScript(t))
	dbsep(t, site, "schema", "create")
	return site
}

// emptyScript is SQL that does nothing.
func emptyScript(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "empty.sql")
	check(t, os.WriteFile(file, []byte("SELECT 1;\n"), 0o600))
	return file
}

// dbsep runs a command of dbsep on a site, which has to succeed, and returns its output.
func dbsep(t *testing.T, site *testenv.Site, command ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), testenv.Program(t), command...)
	c.Env = append(os.Environ(), "DBSEP_CONF="+site.Conf)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("dbsep %q: %v\n%s", command, err, out)
	}
	return string(out)
}

// compare compares a file as Asterisk reads it, as it was read here, and as Asterisk reads
// it from the table.
func (m *manager) compare(t *testing.T, p *pbx, f *asteriskconf.File, plain, mapped string) {
	t.Helper()
	refused := isRefused(f)
	want, read := m.config(t, plain)
	if read == refused {
		t.Fatalf("Asterisk reads it: %v; here it is read as %s", read, conftest.Show(f, p.Path("astetcdir")))
	}
	if refused {
		return
	}
	if got := conftest.ShowSections(f.Sections); got != want {
		t.Errorf("got %q, Asterisk reads %q", got, want)
	}
	stored := slices.DeleteFunc(slices.Clone(f.Sections), func(s *asteriskconf.Section) bool { return len(s.Lines) == 0 })
	if strings.Contains(want, " #include=") {
		return // is refused
	}
	dbsep(t, p.Site, "import", "--static", "--replace", "--partial", p.Path("astetcdir", mapped))
	want = conftest.ShowSections(stored)
	if got, read := m.config(t, mapped); got != want || !read {
		t.Errorf("from the table Asterisk reads %q, want %q", got, want)
	}
	if want != "" {
		check(t, os.WriteFile(p.Path("astetcdir", mapped), []byte(dbsep(t, p.Site, "export", mapped)), 0o644))
		again, err := asteriskconf.Read(p.Path("astetcdir"), mapped)
		check(t, err)
		if got := conftest.Show(again, ""); got != want {
			t.Errorf("what is exported is read as %q, want %q", got, want)
		}
	}
}

// A manager is a connection to Asterisk's manager interface.
type manager struct {
	net.Conn
	lines *bufio.Scanner
}

func connectManager(t *testing.T, address string) *manager {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	m := &manager{conn, bufio.NewScanner(conn)}
	m.lines.Buffer(nil, 1<<20)
	m.lines.Scan() // its greeting
	if answer := m.ask(t, "Action: Login", "Username: test", "Secret: test", "Events: off"); answer[0] != "Response: Success" {
		t.Fatal(answer)
	}
	return m
}

// ask sends an action and returns the lines of the response.
func (m *manager) ask(t *testing.T, lines ...string) (answer []string) {
	t.Helper()
	_, err := m.Write([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n"))
	check(t, err)
	for m.lines.Scan() {
		line := strings.TrimSuffix(m.lines.Text(), "\r")
		switch {
		case line != "":
			answer = append(answer, line)
		case len(answer) > 0 && strings.HasPrefix(answer[0], "Response:"):
			return answer
		default:
			answer = nil // of an event
		}
	}
	t.Fatalf("%q: the manager does not respond: %v", lines, m.lines.Err())
	return nil
}

// config is what Asterisk reads of a file, as [conftest.ShowSections] has it. It is not
// read if there is a mistake in it.
func (m *manager) config(t *testing.T, file string) (shown string, read bool) {
	t.Helper()
	answer := m.ask(t, "Action: GetConfig", "Filename: "+file)
	var parts []string
	for _, line := range answer[1:] {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case strings.HasPrefix(name, "Category-"):
			parts = append(parts, "["+value+"]")
		case strings.HasPrefix(name, "Line-"):
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, " "), answer[0] == "Response: Success"
}

// A look is a command of Asterisk's, and a text that is in its output.
type look struct{ command, has string }

// TestManualOfImport runs the commands of the page about the import.
func TestManualOfImport(t *testing.T) {
	page := testenv.OpenPage(t, "../../docs/import.md")
	site := sqliteTables(t)
	folder := t.TempDir()
	for _, name := range []string{"pjsip.conf", "queues.conf"} {
		check(t, os.WriteFile(filepath.Join(folder, name), []byte(page.Block(t, name)), 0o600))
	}
	for commands, output := range map[string]string{"import": "imported", "export": "exported"} {
		c := exec.CommandContext(t.Context(), "sh", "-ec", page.Block(t, commands, "/etc/asterisk", folder))
		c.Env = append(os.Environ(), "DBSEP_CONF="+site.Conf, "PATH="+filepath.Dir(testenv.Program(t))+":"+os.Getenv("PATH"))
		out, err := c.Output()
		if want := page.Block(t, output, "/etc/asterisk", folder); err != nil || string(out) != want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", commands, err, out, want)
		}
	}
}

// importedFiles are the files of testdata/import, and what Asterisk shows of them.
var importedFiles = map[string][]look{
	"extensions.conf": {{"dialplan show", "Context 'empty' created"}, {"dialplan show", "Set(LIST=a;b,c)"}, {"dialplan show globals", "SEMICOLON=a;b"}},
	"queues.conf":     {{"queue show", "Second; member"}, {"queue show", "bare has 0 calls"}, {"queue show support", "max 10"}},
	"voicemail.conf":  {{"voicemail show users", "Bob ; Semicolon"}, {"voicemail show zones", "America/New_York"}},
	"pjsip.conf": {
		{"pjsip show endpoints", "carol"}, {"pjsip show aors", "carol"}, {"pjsip show auths", "trunk/trunk"},
		{"pjsip show identifies", "192.0.2.10/32"}, {"pjsip show registrations", "trunk/sip:192.0.2.10"}, {"pjsip show settings", "user_agent : Test"},
		{"pjsip show endpoint alice", "\"Alice ; Wonder\" <100>"}, {"pjsip show endpoint alice", "1;2^3B, and a comma"},
		{"pjsip show endpoint alice", "100@default,101@default"}, {"pjsip show endpoint alice", "(alaw)"},
		{"pjsip show endpoint bob", "(alaw|g722)"}, {"pjsip show endpoint bob", "dtmf_mode : info"},
		{"pjsip show endpoint robert", "(ulaw|gsm)"}, {"pjsip show endpoint carol", "t38_udptl : true"}, {"pjsip show endpoint trunk", "(ulaw)"},
		{"pjsip show aor alice", "sip:alice@192.0.2.1:5060;transport=udp;ob"}, {"pjsip show aor alice", "sip:alice@192.0.2.2:5060"},
		{"pjsip show aor bob", "max_contacts"}, {"pjsip show aor carol", "max_contacts"}, {"pjsip show aor trunk", "sip:192.0.2.10"},
		{"pjsip show auth alice", "a;b^c%d&e=f#g\"h"}, {"pjsip show auth bob", "bob"},
		{"pjsip show identify trunk", "192.0.2.12/255.255.255.254"},
	},
}

// sampleFiles are files of Debian's package, and what Asterisk shows of them.
var sampleFiles = map[string][]look{
	"extensions.conf":  {{"dialplan show", "Context 'public' created"}},
	"queues.conf":      {{"queue show", "No queues"}},
	"voicemail.conf":   {{"voicemail show users", "1234"}, {"voicemail show zones", "central24"}},
	"confbridge.conf":  {{"confbridge show profile bridges", "default_bridge"}, {"confbridge show profile users", "default_user"}, {"confbridge show menus", "sample_user_menu"}},
	"features.conf":    {{"features show", "Blind Transfer"}},
	"indications.conf": {{"indication show us", "480+620"}, {"indication show de", "425"}},
	"acl.conf":         {{"acl show", "acl"}},
	"cdr.conf":         {{"cdr show status", "Enabled"}},
	"cel.conf":         {{"cel show status", "Disabled"}},
	"minivm.conf":      {{"minivm show settings", "Default format"}, {"minivm list accounts", ""}},
	"say.conf":         nil,
	"followme.conf":    nil,
}

// TestAsteriskIsTheSameOnTables compares what an Asterisk on files shows with what others
// show on the tables that the files were imported into.
func TestAsteriskIsTheSameOnTables(t *testing.T) {
	root := debianRoot(t)
	empty := emptyScript(t)
	sqlite := func(t *testing.T) *testenv.Site { return testenv.SQLite(t, empty) }
	mariadb := func(t *testing.T) *testenv.Site { return testenv.MariaDB(t, empty) }
	postgres := func(t *testing.T) *testenv.Site { return testenv.Postgres(t, empty) }
	for name, c := range map[string]struct {
		files importFiles
		sites map[string]func(t *testing.T) *testenv.Site
	}{
		"the samples of the package": {importFiles{filepath.Join(root, "etc/asterisk"), sampleFiles}, map[string]func(t *testing.T) *testenv.Site{"SQLite": sqlite}},
		"files of ours": {importFiles{"testdata/import", importedFiles}, map[string]func(t *testing.T) *testenv.Site{
			"SQLite": sqlite, "MariaDB": mariadb, "PostgreSQL": postgres,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := c.files.onFiles(t, root)
			for kind, newSite := range c.sites {
				t.Run(kind, func(t *testing.T) {
					for command, got := range c.files.onTables(t, root, newSite(t)) {
						if got != want[command] {
							t.Errorf("%s: on tables\n%s\non files\n%s", command, got, want[command])
						}
					}
				})
			}
		})
	}
}

// importFiles are files of a folder, and what Asterisk shows of them.
type importFiles struct {
	folder string
	looks  map[string][]look
}

// onFiles returns what an Asterisk shows that has the files, by the commands.
func (f importFiles) onFiles(t *testing.T, root string) map[string]string {
	t.Helper()
	p := onConfiguration(t, root)
	for name := range f.looks {
		text := read(t, filepath.Join(f.folder, name))
		if name == "pjsip.conf" {
			text += p.transport(t)
			p.Write(t, "import-more.conf", read(t, filepath.Join(f.folder, "import-more.conf")))
		}
		p.Write(t, name, text)
	}
	p.Start(t)
	all := f.show(t, p)
	for _, looks := range f.looks {
		for _, look := range looks {
			if !strings.Contains(all[look.command], look.has) {
				t.Errorf("%s: no %q in\n%s", look.command, look.has, all[look.command])
			}
		}
	}
	return all
}

// onTables returns what an Asterisk shows that has none of the files, and the tables of a
// site that they are imported into.
func (f importFiles) onTables(t *testing.T, root string, site *testenv.Site) map[string]string {
	t.Helper()
	dbsep(t, site, "schema", "create")
	command := []string{"import"}
	for _, name := range slices.Sorted(maps.Keys(f.looks)) {
		command = append(command, filepath.Join(f.folder, name))
	}
	first := dbsep(t, site, command...)
	if again := dbsep(t, site, command...); strings.ReplaceAll(first, "added", "unchanged") != again {
		t.Errorf("the first import says %s, a second one %s", first, again)
	}
	p, url := onConfiguration(t, root), site.Serve(t)
	extconfig := "[settings]\n"
	for name := range f.looks {
		if name != "pjsip.conf" {
			extconfig += name + " => curl," + url + "/ast_config\n"
			continue
		}
		page := testenv.OpenPage(t, manual)
		for line := range strings.Lines(page.Block(t, "extconfig.conf", documented.gateway, url)) {
			if strings.HasPrefix(line, "ps_") {
				extconfig += line
			}
		}
		p.Write(t, "sorcery.conf", page.Block(t, "sorcery.conf"))
		p.Write(t, "pjsip.conf", p.transport(t))
	}
	p.Write(t, "extconfig.conf", extconfig)
	p.Start(t)
	return f.show(t, p)
}

// show returns the output of all commands.
func (f importFiles) show(t *testing.T, p *pbx) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, looks := range f.looks {
		for _, look := range looks {
			if all[look.command] == "" {
				all[look.command] = shown(p.cli(t, look.command))
			}
		}
	}
	return all
}

// transport is the part of pjsip.conf that the manual leaves in a file.
func (p *pbx) transport(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(testenv.OpenPage(t, manual).Block(t, "pjsip.conf"), documented.sip, p.sip)
}

// onConfiguration makes an Asterisk with all modules that do not listen.
func onConfiguration(t *testing.T, root string) *pbx {
	t.Helper()
	p := &pbx{Asterisk: testenv.NewAsterisk(t, root), whole: t, sip: freeAddress(t)}
	p.Write(t, "modules.conf", "[modules]\nautoload = yes\n"+listeners+"noload = app_voicemail_odbc.so\nnoload = res_pjsip_transport_websocket.so\n")
	return p
}

// places are where Asterisk read an extension, and what is different in each run.
var places = regexp.MustCompile(`\[[\w./-]*:\d+\]|\(\d+s holdtime|\(exp\. \d+s\)|login was \d+ secs|transport-udp .*`)

// shown is the output of a command in an order that does not depend on when what was read.
func shown(out string) string {
	lines := strings.Split(places.ReplaceAllString(out, ""), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	slices.Sort(lines)
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
