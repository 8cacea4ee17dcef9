//go:build e2e

package deb

import (
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// fresh is the release whose fresh root is tried; with DBSEP_E2E=full the one before is, too.
const fresh = "trixie"

var freshPackages = []string{"systemd-sysv", "dbus", "passwd"}

func freshSuites() []string {
	if testenv.Full() {
		return []string{fresh, "bookworm"}
	}
	return []string{fresh}
}

// TestFreshDebian installs the package where nothing that it needs is there yet, by apt, and
// takes it through its life.
func TestFreshDebian(t *testing.T) {
	for _, suite := range freshSuites() {
		t.Run(suite, func(t *testing.T) {
			m := unpack(t, suite, freshPackages...)
			old := build(t, m, first)
			feature := func(name string, test func(t *testing.T)) {
				if !t.Failed() { // each continues from the one before
					testenv.Feature(t, "Debian/"+suite, name, test)
				}
			}
			feature("apt installs the file with what it needs, and purge leaves nothing, where nothing is booted", func(t *testing.T) {
				out := m.prepare(t, "apt-get -q update; apt-get -q -y install "+old+"; echo; dbsep version; apt-get -q -y purge dbsep; echo 'what is left:'; "+left+"; echo nothing else")
				if !strings.Contains(out, "dbsep is not started yet") || !strings.Contains(out, "\ndbsep "+first) || !strings.Contains(out, "\nwhat is left:\nnothing else\n") {
					t.Error(out)
				}
			})
			feature("apt installs it again, with an ODBC driver", func(t *testing.T) {
				m.prepare(t, "apt-get -q -y install "+old+" libsqliteodbc sqlite3 curl")
			})
			if t.Failed() {
				return
			}
			m.boot(t)
			feature("installed: sample, account, nothing started", func(t *testing.T) {
				m.is(t, modes, wantModes)
				m.is(t, "systemctl is-enabled dbsep.service dbsep.socket || true; systemctl is-active dbsep.service dbsep.socket || true", "disabled\ndisabled\ninactive\ninactive\n")
			})
			feature("units: exposure 1.5 at most", func(t *testing.T) { exposure(t, m) })
			feature("the service starts, reloads and answers", func(t *testing.T) { service(t, m) })
			feature("a database that only an ODBC driver reaches", func(t *testing.T) { odbc(t, m) })
			feature("upgrade: own configuration kept, service goes on", func(t *testing.T) {
				m.run(t, "cp "+own+" /root/kept.conf; apt-get -q -y install "+m.later(t, old)+"; cmp /root/kept.conf "+own)
				m.is(t, "dpkg-query -W -f '${Version}' dbsep; systemctl is-active dbsep; systemctl is-enabled dbsep", second+"active\nenabled\n")
				m.expect(t, askSite, "name=sqlite")
			})
			feature("purge: nothing is left but a database", func(t *testing.T) {
				m.run(t, "apt-get -q -y purge dbsep")
				m.is(t, left, "/var/lib/dbsep\n")
				m.is(t, "ls /var/lib/dbsep", "site.db\n")
			})
		})
	}
}
