//go:build e2e

package asterisk

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/inspect"
	"dbsep/internal/testenv"
)

// TestQuickStart does what the manual's page says, line by line, with an Asterisk that has
// Debian's configuration. Only addresses, folders and accounts are the test's own.
func TestQuickStart(t *testing.T) {
	page := testenv.OpenPage(t, "../../docs/quickstart.md")
	root := debianRoot(t)
	p := &pbx{Asterisk: testenv.NewAsterisk(t, root), whole: t, sip: freeAddress(t)}
	dir := t.TempDir()
	conf, database, address := filepath.Join(dir, "dbsep.conf"), filepath.Join(dir, "asterisk.db"), testenv.FreeAddress(t)
	const documentedDatabase, documentedAddress = "/var/lib/dbsep/asterisk.db", "http://127.0.0.1:8000"
	check(t, os.WriteFile(conf, nil, 0o640)) // as the package has it
	run := func(block string, replace ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "sh", "-ec", page.Block(t, block, replace...))
		c.Env = append(os.Environ(), "DBSEP_CONF="+conf, "PATH="+filepath.Dir(testenv.Program(t))+":"+os.Getenv("PATH"))
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", block, err, out)
		}
		return string(out)
	}
	contains := func(got string, want ...string) {
		t.Helper()
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("got %q, want %q in it", got, part)
			}
		}
	}

	for _, name := range []string{"apt install ./build/dbsep_*.deb", " asterisk", " sqlite3", " curl"} {
		contains(page.Block(t, "install"), name)
	}
	testenv.Installed(t, "sqlite3", "sqlite3")
	testenv.Installed(t, "curl", "curl")
	run("configure", documentedDatabase, database, "/etc/dbsep/dbsep.conf", conf)
	contains(run("create", documentedDatabase, database, "dbsep:", "root:"), "made in "+database+", as Asterisk 22.10.1 has them: ps_endpoints, ")
	printed := run("fill", documentedDatabase, database, "0.0.0.0:5060", p.sip)
	contains(run("check", "--user dbsep", "--user root"), "all is well\n")

	contains(page.Block(t, "start"), "systemctl enable --now dbsep")
	server := testenv.Start(t, []string{"DBSEP_CONF=" + conf}, testenv.Program(t), "serve", "--listen", address)
	testenv.WaitFor(t, "dbsep", server, testenv.Listening(address))
	contains(run("ask", documentedAddress, "http://"+address), "id=1001&aors=1001&auth=1001&context=phones&")

	p.install(t, map[string]string{
		"extconfig.conf": page.Block(t, "extconfig.conf", documentedAddress, "http://"+address),
		"sorcery.conf":   page.Block(t, "sorcery.conf"),
	})
	contains(page.Block(t, "restart"), "systemctl restart asterisk")
	p.Start(t)
	command := regexp.MustCompile(`'(.+)'`).FindStringSubmatch(page.Block(t, "look"))[1]
	p.shows(t, command, "1001", "Unavailable", "1002", "Unavailable")

	phones := map[string]*phone{}
	for _, found := range regexp.MustCompile(`user (\d+), password (\w+)`).FindAllStringSubmatch(printed, -1) {
		f := newPhone(t, p, found[1])
		f.password = found[2]
		f.registers(t, f.contact(parameters), 300)
		phones[f.user] = f
	}
	if len(phones) != 2 {
		t.Fatalf("the passwords of two phones are not printed: %q", printed)
	}
	p.shows(t, command, "1001", "Not in use", "1002", "Not in use")
	for from, to := range map[string]string{"1001": "1002", "1002": "1001"} {
		call := phones[from].calls(t, to)
		phones[to].awaitRequest(t, "ACK")
		call.hangUp(t)
	}
	out, _ := exec.CommandContext(t.Context(), testenv.Program(t), "check", "--json", "--config", conf, "--asterisk", "22", "--asterisk-config", p.Path("astetcdir")).Output()
	var report inspect.Report
	check(t, json.Unmarshal(out, &report))
	if found := report.Findings; len(found) != 1 || !strings.HasSuffix(found[0].Hint, "httptimeout = 15") {
		t.Errorf("between Asterisk and dbsep this is wrong: %v", found)
	}
}
