//go:build e2e

package deb

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
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
	m.is(t, modes, wantModes)
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

	m.run(t, "systemctl --quiet enable dbsep@north.service dbsep.socket")
	m.is(t, tool+"--erase dbsep", "")
	m.is(t, "systemctl is-active dbsep || true", "inactive\n")
	m.is(t, left, "/etc/dbsep\n/etc/dbsep/dbsep.conf\n/var/lib/dbsep\n")
	m.is(t, "cat "+own+"; ls /var/lib/dbsep", sqlite+"site.db\n")
}

// rpmRoot takes the RPM through its life in a root that rpm enters: first in one with the
// programs of systemd, which does not run there, then in one that lacks what a small image
// does not have.
func rpmRoot(t *testing.T, m *machine) {
	const root = "/srv/root"
	check(t, os.MkdirAll(m.root+"/srv", 0o755))
	testenv.CopyRoot(t, m.root+root, fresh, freshPackages...)
	old, later := buildRPM(t, m, first), buildRPM(t, m, second)
	const (
		tool    = "rpm --force-debian --root " + root + " "
		inside  = "chroot " + root + " "
		install = tool + "--nodeps --install "
		hint    = "dbsep is not started yet. Write " + own + ", try it with: dbsep check --user dbsep; then: systemctl enable --now dbsep\n"
		links   = "cd " + root + "; find etc/systemd/system -name '*dbsep*' -printf '%P\\n' | sort"
	)
	notOwned := tool + "--query --list dbsep > /tmp/owned; " + inside + left + " | grep -vxFf /tmp/owned"

	m.is(t, tool+"--install "+old+" 2>&1 | sed 's/ is needed by .*//' | sort", "\t/bin/sh\n\t/usr/bin/getent\n\t/usr/bin/install\n\t/usr/sbin/useradd\nerror: Failed dependencies:\n")
	m.is(t, install+old, hint)
	m.is(t, inside+modes, wantModes)
	m.is(t, tool+"--nodeps --verify dbsep", "")
	m.is(t, notOwned, own+"\n/var/lib/dbsep\n")
	m.expect(t, inside+"dbsep version", "dbsep "+first)
	m.expect(t, inside+"getent passwd dbsep", ":/var/lib/dbsep:/sbin/nologin")

	m.write(t, root+own, sqlite)
	m.run(t, inside+"systemctl --quiet enable dbsep.service dbsep@north.service")
	m.is(t, tool+"--nodeps --upgrade "+later, "")
	m.is(t, "cat "+root+own, sqlite)
	m.expect(t, inside+"dbsep version", "dbsep "+second)
	m.is(t, links, "multi-user.target.wants/dbsep.service\nmulti-user.target.wants/dbsep@north.service\n")
	m.is(t, tool+"--erase dbsep", "")
	m.is(t, links, "")
	m.is(t, inside+left, "/etc/dbsep\n"+own+"\n")

	m.run(t, inside+"rm -r /etc/dbsep /usr/bin/systemctl /usr/bin/cmp")
	m.is(t, install+old, hint)
	m.is(t, tool+"--nodeps --upgrade "+later, "")
	m.is(t, tool+"--erase dbsep", "")
	m.is(t, inside+left, "")
}
