//go:build e2e

package deb

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildRPM makes the RPM of a version and puts it into a machine. Its path there is
// returned.
func buildRPM(t *testing.T, m *machine, version string) string {
	t.Helper()
	make := exec.CommandContext(t.Context(), "make", "-C", "../..", "rpm", "DEBVERSION="+version, "DEBFOLDER="+filepath.Join(m.root, "root"))
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("make rpm: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(m.root, "root", "dbsep-"+version+"-1.*.rpm"))
	check(t, err)
	if len(files) != 1 {
		t.Fatalf("make rpm made %v", files)
	}
	return "/root/" + filepath.Base(files[0])
}

// rpm takes the RPM through its life. The machine is a Debian, whose packages the database of
// rpm does not know.
func rpm(t *testing.T, m *machine) {
	old, later := buildRPM(t, m, first), buildRPM(t, m, second)
	filters, err := os.ReadFile("../../contrib/rpm/rpmlintrc")
	check(t, err)
	m.write(t, "/root/rpmlintrc", string(filters))
	m.run(t, "rpmlint --rpmlintrc /root/rpmlintrc "+old)
	m.run(t, "deluser --quiet dbsep || true; delgroup --quiet --only-if-empty dbsep || true; rm -rf /etc/dbsep /var/lib/dbsep") // what the other package left
	const tool = "rpm --force-debian --nodeps "

	m.expect(t, tool+"--install "+old, "dbsep is not started yet. Write "+own)
	m.is(t, "stat -c '%a %U:%G' "+own+" /var/lib/dbsep /etc/dbsep", "640 root:dbsep\n750 dbsep:dbsep\n755 root:root\n")
	m.is(t, "systemctl is-active dbsep.service dbsep.socket || true", "inactive\ninactive\n")
	m.expect(t, "dbsep version", "dbsep "+first)
	m.run(t, makeSite+"; printf '"+sqlite+"' > "+own+"; systemctl enable --now dbsep")
	m.expect(t, askSite, "name=sqlite")

	before := m.run(t, "systemctl show -P MainPID dbsep; md5sum "+own)
	m.run(t, tool+"--upgrade "+later)
	after := m.run(t, "systemctl show -P MainPID dbsep; md5sum "+own)
	pid, conf, _ := strings.Cut(before, "\n")
	if newPID, newConf, _ := strings.Cut(after, "\n"); newPID == pid || newConf != conf {
		t.Errorf("before the upgrade:\n%s\nafter it:\n%s", before, after)
	}
	m.become(t, askSite, "name=sqlite")
	m.expect(t, "dbsep version", "dbsep "+second)
	m.is(t, "systemctl is-enabled dbsep.service", "enabled\n")

	m.run(t, tool+"--erase dbsep")
	m.is(t, "systemctl is-active dbsep || true", "inactive\n")
	m.is(t, `find / -xdev -name '*dbsep*' -not -path '/root/*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/var/cache/man/*' -not -path '/tmp/systemd-private-*' | sort`,
		"/etc/dbsep\n/etc/dbsep/dbsep.conf\n/var/lib/dbsep\n")
	m.is(t, "cat "+own+"; ls /var/lib/dbsep", sqlite+"site.db\n")
}
