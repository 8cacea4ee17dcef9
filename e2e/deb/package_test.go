//go:build e2e

package deb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

const (
	first  = "0.1.0~first"
	second = "0.1.0~second"
)

const own = "/etc/dbsep/dbsep.conf"

// sqlite is a configuration, and a script that makes its database.
const (
	sqlite   = "dsn=DBI:SQLite:dbname=/var/lib/dbsep/site.db\n"
	makeSite = `su -s /bin/sh dbsep -c 'sqlite3 /var/lib/dbsep/site.db "CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO place VALUES (1, '"'sqlite'"')"'`
	askSite  = "curl -sS -d id=1 http://127.0.0.1:8000/place/single"
)

// TestPackage takes one machine through the life of the package.
func TestPackage(t *testing.T) {
	m := unpack(t, suite(t), packages...)
	m.boot(t)
	old := build(t, m, first)
	feature := func(name string, test func(t *testing.T)) {
		if !t.Failed() { // each continues from the one before
			testenv.Feature(t, "Debian", name, test)
		}
	}
	feature("lintian finds no error", func(t *testing.T) {
		m.run(t, "lintian --allow-root --fail-on error "+old)
	})
	feature("install: sample, account, nothing started", func(t *testing.T) {
		m.expect(t, "dpkg -i "+old, "dbsep is not started yet. Write "+own, "systemctl enable --now dbsep")
		m.is(t, modes, wantModes)
		m.run(t, "cmp "+own+" /usr/share/dbsep/dbsep.conf.sample")
		m.expect(t, "getent passwd dbsep", ":/var/lib/dbsep:/usr/sbin/nologin")
		m.is(t, "systemctl is-active dbsep.service dbsep.socket || true", "inactive\ninactive\n")
		m.is(t, "systemctl is-enabled dbsep.service dbsep.socket || true", "disabled\ndisabled\n")
		m.expect(t, "dbsep version", "dbsep "+first)
	})
	feature("manual pages are found and clean", func(t *testing.T) {
		m.expect(t, "man -P cat dbsep", "SYNOPSIS", "compare [requests]")
		m.expect(t, "man -P cat dbsep.conf", "drain_timeout=30s")
		for _, page := range []string{"1/dbsep.1", "5/dbsep.conf.5"} {
			m.run(t, "zcat /usr/share/man/man"+page+".gz > /tmp/page; mandoc -T lint -W style /tmp/page")
			if out := m.run(t, "man --warnings=w -P cat -l /tmp/page 2>&1 >/dev/null"); out != "" {
				t.Errorf("man %s warns:\n%s", page, out)
			}
		}
	})
	feature("shells complete its commands", func(t *testing.T) {
		m.expect(t, `bash -c '. /usr/share/bash-completion/bash_completion; . /usr/share/bash-completion/completions/dbsep
			COMP_WORDS=(dbsep serv) COMP_CWORD=1 COMP_LINE="dbsep serv" COMP_POINT=10 COMP_TYPE=9
			__start_dbsep; echo "${COMPREPLY[@]}"'`, "serve")
		m.expect(t, "head -1 /usr/share/zsh/vendor-completions/_dbsep /usr/share/fish/vendor_completions.d/dbsep.fish", "#compdef dbsep", "# fish completion for dbsep")
	})
	feature("units are right, exposure 1.5 at most", func(t *testing.T) {
		if out := m.run(t, "systemd-analyze verify --man=yes dbsep.service dbsep.socket dbsep@a.service dbsep@a.socket 2>&1"); strings.Contains(out, "dbsep") {
			t.Errorf("systemd-analyze verify:\n%s", out)
		}
		exposure(t, m)
	})
	feature("the service starts, reloads and answers", func(t *testing.T) { service(t, m) })
	feature("the service is started again when it dies or hangs", func(t *testing.T) { revive(t, m) })
	feature("SQLite, MariaDB, PostgreSQL by socket and TCP", func(t *testing.T) { databases(t, m) })
	feature("a database that only an ODBC driver reaches", func(t *testing.T) { odbc(t, m) })
	feature("other folders by a drop-in", func(t *testing.T) { folders(t, m) })
	feature("a group more, a low port by a drop-in", func(t *testing.T) { dropIns(t, m) })
	feature("socket units, no client turned away", func(t *testing.T) { sockets(t, m) })
	feature("two instances, each with its file and sockets", func(t *testing.T) { instances(t, m) })
	feature("upgrade: own configuration kept, service goes on", func(t *testing.T) { upgrade(t, m, old) })
	feature("remove, purge: the administrator's files stay", func(t *testing.T) { remove(t, m) })
	feature("install beside Asterisk's dbsep.conf", func(t *testing.T) { besideAsterisk(t, m, old) })
	feature("install with a configuration that is there already", func(t *testing.T) { prepared(t, m, old) })
	feature("the RPM: install, upgrade, erase, rpmlint", func(t *testing.T) { rpm(t, m) })
	feature("the RPM in a root of its own, which nobody has booted", func(t *testing.T) { rpmRoot(t, m) })
}

// modes is a script that shows whose the package's folders are.
const (
	modes     = "stat -c '%a %U:%G' " + own + " /var/lib/dbsep /etc/dbsep"
	wantModes = "640 root:dbsep\n750 dbsep:dbsep\n755 root:root\n"
)

// left is a script that lists what is there of dbsep.
const left = `find / -xdev -name '*dbsep*' -not -path '/root/*' -not -path '/srv/*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/var/cache/man/*' -not -path '/tmp/systemd-private-*' | sort`

// exposure is at most 1.5, as systemd counts it.
func exposure(t *testing.T, m *machine) {
	for _, unit := range []string{"dbsep.service", "dbsep@.service"} {
		m.run(t, "systemd-analyze security --no-pager --offline=true --threshold=15 /usr/lib/systemd/system/"+unit)
	}
}

// later makes a package of a later version, whose sample is another one, from an old one.
func (m *machine) later(t *testing.T, old string) string {
	m.run(t, `cd /root; dpkg-deb -R `+old+` later
		sed -i 's/^Version: .*/Version: `+second+`/' later/DEBIAN/control
		echo '# a later sample' >> later/usr/share/dbsep/dbsep.conf.sample
		dpkg-deb -Zgzip -b later dbsep_later.deb`)
	return "/root/dbsep_later.deb"
}

// upgrade installs a later package whose sample is another one.
func upgrade(t *testing.T, m *machine, old string) {
	m.run(t, "systemctl disable --now dbsep.socket; systemctl restart dbsep")
	later := m.later(t, old)
	before, instance := m.run(t, "systemctl show -P MainPID dbsep"), m.run(t, "systemctl show -P MainPID dbsep@north")
	m.run(t, "cp "+own+" /root/kept.conf; dpkg -i "+later)
	m.run(t, "cmp /root/kept.conf "+own)
	m.is(t, "stat -c '%a %U:%G' "+own, "640 root:dbsep\n")
	m.become(t, askSite, "name=sqlite")
	if after := m.run(t, "systemctl show -P MainPID dbsep"); after == before {
		t.Error("the upgrade has not restarted the service")
	}
	if after := m.run(t, "systemctl show -P MainPID dbsep@north"); after == instance {
		t.Error("the upgrade has not restarted the instance")
	}
	m.become(t, ask("/run/dbsep-north/sock"), "name=north")
	m.is(t, "systemctl is-enabled dbsep.service", "enabled\n")
	m.run(t, "systemctl stop dbsep; dpkg -i --force-downgrade "+old)
	m.is(t, "systemctl is-active dbsep || true", "inactive\n") // what was stopped stays so
	m.run(t, "systemctl start dbsep")
}

// remove removes and purges, and looks for what is left.
func remove(t *testing.T, m *machine) {
	m.write(t, "/etc/dbsep/mine.conf", "# of the administrator\n")
	m.run(t, "dpkg -r dbsep")
	m.expect(t, "ls /etc/dbsep /var/lib/dbsep", "dbsep.conf\n", "mine.conf\n", "site.db\n")
	m.is(t, "systemctl is-active dbsep dbsep@north dbsep@south.socket || true", "inactive\ninactive\ninactive\n")
	m.run(t, "dpkg -P dbsep; rm -r /etc/dbsep/north.conf /etc/dbsep/south.conf /var/lib/dbsep/north /var/lib/dbsep/south")
	m.is(t, left, "/etc/dbsep\n/etc/systemd/system/dbsep.service.d\n/var/lib/dbsep\n")
	m.expect(t, "ls /etc/dbsep /var/lib/dbsep", "mine.conf\n", "site.db\n")
	m.run(t, "rm -r /etc/dbsep /var/lib/dbsep /etc/systemd/system/dbsep*; systemctl daemon-reload")
}

// besideAsterisk installs where the Perl script's configuration is, which only
// Asterisk's own group may read.
func besideAsterisk(t *testing.T, m *machine, old string) {
	m.run(t, "addgroup --quiet --system asterisk")
	m.write(t, "/etc/asterisk/dbsep.conf", sqlite)
	m.run(t, "chgrp -R asterisk /etc/asterisk; chmod 750 /etc/asterisk; chmod 640 /etc/asterisk/dbsep.conf")
	m.expect(t, "dpkg -i "+old, "not started yet. Write /etc/asterisk/dbsep.conf")
	if _, err := os.Lstat(filepath.Join(m.root, own)); err == nil {
		t.Errorf("%s was made although there is /etc/asterisk/dbsep.conf", own)
	}
	m.run(t, makeSite+"; systemctl start dbsep")
	m.expect(t, askSite, "name=sqlite")
	m.run(t, "dpkg -P dbsep")
	m.is(t, "cat /etc/asterisk/dbsep.conf", sqlite)
	m.run(t, "rm -r /etc/asterisk /var/lib/dbsep")
}

// prepared installs where an administrator has written the configuration before,
// as programs that set machines up do.
func prepared(t *testing.T, m *machine, old string) {
	m.write(t, own, sqlite)
	m.run(t, "mkdir -p /var/lib/dbsep; sqlite3 /var/lib/dbsep/site.db \"CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO place VALUES (1, 'sqlite')\"")
	m.run(t, "chown -R dbsep: /var/lib/dbsep; dpkg -i "+old)
	m.is(t, "systemctl is-active dbsep; systemctl is-enabled dbsep; cat "+own, "active\nenabled\n"+sqlite)
	m.expect(t, askSite, "name=sqlite")
	m.run(t, "dpkg -P dbsep")
	m.is(t, "ls /var/lib/dbsep; find /etc -name '*dbsep*'", "site.db\n/etc/dbsep\n/etc/dbsep/dbsep.conf\n")
}
