//go:build e2e

package asterisk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"dbsep/internal/mariadbtest"
	"dbsep/internal/sqlitedriver"
	"dbsep/internal/testenv"
)

// resilience is the page whose [lastgood] the tests run.
const resilience = "../../docs/resilience.md"

// An affliction is what happens to a database, until end is called.
type affliction struct {
	name       string
	begin, end func(t *testing.T, p *pbx)
}

// TestStaleResponses has phones register and call while the database is afflicted, with the
// manual's [lastgood].
func TestStaleResponses(t *testing.T) {
	configuration := readManual(t)
	root := debianRoot(t)
	for name, prepare := range map[string]func(*testing.T) (*testenv.Site, func(*testing.T, *pbx), []affliction){
		"SQLite":  staleSQLite,
		"MariaDB": staleMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, move, afflictions := prepare(t)
			lines := testenv.OpenPage(t, resilience).Block(t, "lastgood.conf", "/var/lib/dbsep/lastgood", filepath.Join(t.TempDir(), "lastgood"))
			site.Configure(t, strings.Split(lines, "\n")...)
			site.Configure(t, "[database]", "connect_timeout=1s", "busy_timeout=1s", "[limits]", "statement_timeout=2s")
			p := newPBX(t, root, site, configuration)
			move(t, p)
			for _, a := range afflictions {
				testenv.Feature(t, "asterisk/"+name, a.name+": no phone hears a false yes, and calls to static contacts go on", func(t *testing.T) {
					p.afflicted(t, a)
				})
			}
		})
	}
}

// afflicted looks at what phones hear before, during and after an affliction.
func (p *pbx) afflicted(t *testing.T, a affliction) {
	known := p.registered(t, "alice")
	if status := p.baresip(t, "alice"); status != "200" {
		t.Fatalf("before it, baresip registers alice: %s", status)
	}
	p.callsBob(t)

	a.begin(t, p)
	end := sync.OnceFunc(func() { a.end(t, p) })
	t.Cleanup(end)
	for range 2 {
		for _, user := range []string{"alice", "bob", "carol"} {
			if status := p.baresip(t, user); status < "400" {
				t.Errorf("baresip registers %s: %s", user, status)
			}
		}
		if final := known.register(t, known.contact(parameters), 600); final.status() == 200 {
			t.Errorf("a refresh: %s, contacts %s", final.start, final.header["Contact"])
		}
		p.callsBob(t)
	}

	end()
	eventually(t, func() error {
		final := known.register(t, known.contact(parameters), 600)
		if bindings := strings.Join(final.header["Contact"], ", "); final.status() != 200 || !strings.Contains(bindings, known.contact(parameters)) {
			return fmt.Errorf("after it: %s, contacts %s", final.start, bindings)
		}
		return nil
	})
	if status := p.baresip(t, "alice"); status != "200" {
		t.Errorf("after it, baresip registers alice: %s", status)
	}
	p.everything(t, p.registered(t, "alice"))
	p.callsBob(t)
}

// registration is what baresip says of the final response to a registration.
var registration = regexp.MustCompile(`@\S+ \(prio 0\)(?: \{\S+\}|:) (\d{3}) `)

// baresip registers the phone of that name as a user, and returns the status of the
// response. When it ends, it is no longer registered.
func (p *pbx) baresip(t *testing.T, user string) (status string) {
	t.Helper()
	dir := p.Path("baresip-" + user)
	check(t, os.MkdirAll(dir, 0o755))
	for name, text := range map[string]string{
		"config":   "module_path /usr/lib/baresip/modules\nmodule_app account.so\nmodule_app menu.so\nmodule g711.so\nsip_listen 127.0.0.1:0\n",
		"accounts": fmt.Sprintf("<sip:%s@%s>;auth_pass=%[1]s-pw;regint=600\n", user, p.sip),
		"contacts": "",
	} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	phone := testenv.Start(t, nil, "chroot", p.Root, "baresip", "-f", filepath.Join(p.Dir, "baresip-"+user))
	defer phone.End()
	testenv.WaitFor(t, "baresip", phone, func(context.Context) error {
		said := registration.FindStringSubmatch(phone.Log.String())
		if said == nil {
			return errors.New("there is no response to its registration")
		}
		status = said[1]
		return nil
	})
	return status
}

// callsBob calls bob, whose contact is in the table of AORs.
func (p *pbx) callsBob(t *testing.T) {
	t.Helper()
	p.trunk.forget()
	p.cli(t, "channel originate PJSIP/bob extension idle@functions")
	p.trunk.awaitRequest(t, "INVITE")
	p.shows(t, "core show channels", "PJSIP/bob")
	p.hangUpAll(t)
	p.trunk.awaitRequest(t, "BYE")
}

// inMounts runs a shell text among the mounts of the program that runs dbsep.
func (p *pbx) inMounts(t *testing.T, text string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "nsenter", "--target", fmt.Sprint(p.gateway.Process.Pid), "--user", "--mount", "--preserve-credentials", "sh", "-c", text).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", text, err, out)
	}
}

// staleSQLite is a file on a small disk that only dbsep sees.
func staleSQLite(t *testing.T) (*testenv.Site, func(*testing.T, *pbx), []affliction) {
	site := testenv.SQLite(t, data+"asterisk-sqlite.sql")
	small, readOnly := filepath.Join(site.Folder, "small"), filepath.Join(site.Folder, "readonly")
	seen := func(p *pbx, name string) string {
		return filepath.Join(fmt.Sprintf("/proc/%d/root", p.gateway.Process.Pid), small, name)
	}
	move := func(t *testing.T, p *pbx) {
		check(t, os.Mkdir(readOnly, 0o755))
		conf := strings.ReplaceAll(read(t, site.Conf), filepath.Join(site.Folder, "site.db"), filepath.Join(small, "site.db"))
		check(t, os.WriteFile(site.Conf, []byte(conf), 0o644))
		p.gateway.End()
		address := strings.TrimPrefix(p.url, "http://")
		p.gateway = testenv.Start(t, nil, "unshare", "--mount", "--map-root-user", "sh", "-c",
			fmt.Sprintf(`mkdir %[1]s && mount -t tmpfs -o size=8m none %[1]s && cp %[2]s/site.db %[1]s && mount --bind %[1]s %[3]s && mount -o remount,bind,ro %[3]s && exec "$@"`, small, site.Folder, readOnly),
			"sh", testenv.Program(t), "serve", "--config", site.Conf, "--listen", address)
		testenv.WaitFor(t, "dbsep serve at "+address, p.gateway, testenv.Listening(address))
		db, err := sql.Open(sqlitedriver.Name, "file:"+seen(p, "site.db")+"?_busy_timeout=10000")
		check(t, err)
		t.Cleanup(func() { db.Close() })
		p.DB = db
	}
	return site, move, []affliction{
		{"the database is gone",
			func(t *testing.T, p *pbx) { check(t, os.Rename(seen(p, "site.db"), seen(p, "away"))) },
			func(t *testing.T, p *pbx) { check(t, os.Rename(seen(p, "away"), seen(p, "site.db"))) }},
		{"the database is read-only",
			func(t *testing.T, p *pbx) { p.inMounts(t, "mount --bind "+readOnly+" "+small) },
			func(t *testing.T, p *pbx) { p.inMounts(t, "umount --lazy "+small) }},
		{"the disk of the database is full",
			func(t *testing.T, p *pbx) { fill(t, seen(p, "filler")) },
			func(t *testing.T, p *pbx) { check(t, os.Remove(seen(p, "filler"))) }},
	}
}

// fill writes a file until there is no room.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	check(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

// staleMariaDB is a server with an account of no special rights.
func staleMariaDB(t *testing.T) (*testenv.Site, func(*testing.T, *pbx), []affliction) {
	server := mariadbtest.New(t)
	name := server.Database(t)
	server.Exec(t, "CREATE USER pbx@127.0.0.1 IDENTIFIED BY 'pbx'", "GRANT SELECT, INSERT, UPDATE, DELETE ON "+name+".* TO pbx@127.0.0.1")
	db, err := server.Open(name)
	check(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), testenv.Script(t, data+"asterisk-mysql.sql"))
	check(t, err)
	relay := testenv.NewRelay(t, server.Address())
	site := &testenv.Site{Kind: "MariaDB", DB: db, Folder: t.TempDir()}
	site.Conf = filepath.Join(site.Folder, "dbsep.conf")
	site.Configure(t, "dsn=DBI:mysql:database="+name+";host=127.0.0.1;port="+relay.Port(), "dbuser=pbx", "dbpass=pbx")
	return site, func(*testing.T, *pbx) {}, []affliction{
		{"the database is gone",
			func(*testing.T, *pbx) { relay.Cut() },
			func(t *testing.T, _ *pbx) { relay.Open(t) }},
		{"the database is read-only",
			func(t *testing.T, _ *pbx) { server.Exec(t, "SET GLOBAL read_only = 1") },
			func(t *testing.T, _ *pbx) { server.Exec(t, "SET GLOBAL read_only = 0") }},
	}
}
