//go:build e2e

package deb

import (
	"strings"
	"testing"
)

// service writes a configuration and starts the service with it, as the package
// says.
func service(t *testing.T, m *machine) {
	m.run(t, makeSite)
	m.run(t, "printf '"+sqlite+"' > "+own)
	m.expect(t, "dbsep check --user dbsep --all", "all is well\n", own, "place")
	m.run(t, "chown root: /var/lib/dbsep/site.db; chmod 644 /var/lib/dbsep/site.db")
	m.expect(t, "dbsep check", "all is well\n") // root may write it
	m.expect(t, "dbsep check --user dbsep || test $? = 1", "writes will fail: the database is read-only", "this was checked as dbsep\n")
	m.run(t, "chown dbsep: /var/lib/dbsep/site.db")
	m.run(t, "systemctl enable --now dbsep")
	m.is(t, "systemctl is-active dbsep", "active\n")
	m.expect(t, askSite, "name=sqlite")
	m.is(t, "stat -c %U:%G /proc/$(systemctl show -P MainPID dbsep)", "dbsep:dbsep\n")
	m.expect(t, "journalctl -u dbsep -p info --no-pager", "msg=listening")

	m.run(t, "printf '[server]\\nlisten=127.0.0.1:8080\\n' >> "+own+"; systemctl reload dbsep")
	m.expect(t, strings.Replace(askSite, "8000", "8080", 1), "name=sqlite")
	m.run(t, "printf '"+sqlite+"liste=x\\n[server]\\nliste=x\\n' > "+own)
	m.expect(t, "systemctl reload dbsep 2>&1 || test $? = 1", "Job for dbsep.service failed")
	m.become(t, "journalctl -u dbsep -p err --no-pager", own+":4: liste: [server] has no such setting")
	m.is(t, "systemctl is-active dbsep; dbsep health", "active\nok\n")
	m.expect(t, "su -s /bin/sh dbsep -c 'dbsep reload' 2>&1 || test $? = 1", "reload refused, the old configuration goes on\n"+own+":4: liste:")
	m.expect(t, "su -s /bin/sh nobody -c 'dbsep reload' 2>&1 || test $? = 1", "only root and the account of the server may ask it\n")
	m.expect(t, "systemctl restart dbsep 2>&1 || test $? = 1", "Job for dbsep.service failed")
	m.become(t, "journalctl -u dbsep -p err --no-pager --identifier=dbsep", "dbsep: "+own+":4: liste: [server] has no such setting")
	m.run(t, "printf '"+sqlite+"' > "+own+"; systemctl reset-failed dbsep; systemctl restart dbsep")
	m.expect(t, "dbsep reload; "+askSite, "reloaded "+own+"\n", "name=sqlite")
}

// revive kills the service, and lets it hang.
func revive(t *testing.T, m *machine) {
	pid := m.run(t, "systemctl show -P MainPID dbsep")
	m.run(t, "systemctl kill --signal KILL dbsep")
	m.become(t, "test $(systemctl show -P MainPID dbsep) != "+strings.TrimSpace(pid)+"; "+askSite, "name=sqlite")

	m.write(t, "/etc/systemd/system/dbsep.service.d/watchdog.conf", "[Service]\nWatchdogSec=2s\n")
	m.run(t, "systemctl daemon-reload; systemctl restart dbsep")
	pid = m.run(t, "systemctl show -P MainPID dbsep")
	m.run(t, "systemctl kill --signal STOP dbsep")
	m.become(t, "test $(systemctl show -P MainPID dbsep) != "+strings.TrimSpace(pid)+"; "+askSite, "name=sqlite")
	m.expect(t, "journalctl -u dbsep --no-pager", "Watchdog timeout")
	m.run(t, "rm -r /etc/systemd/system/dbsep.service.d; systemctl daemon-reload; systemctl restart dbsep")
}

// databases lets the service read and write each kind of database in each way to
// reach it.
func databases(t *testing.T, m *machine) {
	m.run(t, `mariadb -e "CREATE DATABASE site; CREATE TABLE site.place (id INTEGER PRIMARY KEY, name VARCHAR(40)); INSERT INTO site.place VALUES (1, 'mariadb')
		; CREATE USER dbsep@localhost IDENTIFIED VIA unix_socket; GRANT ALL ON site.* TO dbsep@localhost
		; CREATE USER remote@127.0.0.1 IDENTIFIED BY 's3cret'; GRANT ALL ON site.* TO remote@127.0.0.1"`)
	m.run(t, `su postgres -c "psql -q" <<-'SQL'
		CREATE ROLE dbsep LOGIN;
		CREATE ROLE remote LOGIN PASSWORD 's3cret';
		CREATE DATABASE site;
		\c site
		CREATE TABLE place (id INTEGER PRIMARY KEY, name VARCHAR(40));
		INSERT INTO place VALUES (1, 'postgresql');
		GRANT ALL ON place TO dbsep, remote;
	SQL`)
	for _, way := range []struct{ name, conf, where string }{
		{"MariaDB, socket", "dsn=DBI:mysql:database=site\ndbuser=dbsep\ndbpass=\n", "mariadb"},
		{"PostgreSQL, socket", "dsn=DBI:Pg:dbname=site\ndbuser=dbsep\ndbpass=\n", "postgresql"},
		{"MariaDB, TCP", "dsn=DBI:mysql:database=site;host=127.0.0.1\ndbuser=remote\ndbpass=s3cret\n", "mariadb"},
		{"PostgreSQL, TCP", "dsn=DBI:Pg:dbname=site;host=localhost\ndbuser=remote\ndbpass=s3cret\n", "postgresql"},
		{"SQLite", sqlite, "sqlite"},
	} {
		t.Run(way.name, func(t *testing.T) {
			m.run(t, "printf '"+way.conf+"' > "+own+"; systemctl reload dbsep")
			m.become(t, askSite, "name="+way.where)
			m.is(t, "curl -sS -d 'id=2&name=new' http://127.0.0.1:8000/place/store", "1\n")
			m.is(t, "curl -sS -d 'id=2' http://127.0.0.1:8000/place/destroy", "1\n")
		})
	}
}

// odbc lets the service load a driver through unixODBC: that of SQLite, under a name
// by which dbsep does not know it.
func odbc(t *testing.T, m *machine) {
	m.expect(t, "dpkg-query -W -f '${Depends}' dbsep", "libodbc2 (")
	m.expect(t, "ldd /usr/bin/dbsep", "libodbc.so.2 => /")
	m.expect(t, "dbsep version", "\ndatabases: MariaDB/MySQL, ODBC, PostgreSQL, SQLite\n")

	m.run(t, "ln -s /usr/lib/*/odbc/libsqlite3odbc.so /usr/local/lib/libother.so")
	m.write(t, "/etc/odbc.ini", "[site]\nDriver=/usr/local/lib/libother.so\nDatabase=/var/lib/dbsep/site.db\n")
	m.run(t, "printf 'dsn=DBI:ODBC:site\n' > "+own+"; systemctl restart dbsep")
	m.expect(t, "dbsep check --user dbsep --all", "ODBC", "place")
	m.is(t, "curl -sS -d 'id=3&name=odbc' http://127.0.0.1:8000/place/store", "1\n")
	m.is(t, "curl -sS -d 'id=3' http://127.0.0.1:8000/place/single", "id=3&name=odbc\n")
	m.run(t, "grep -q libsqlite3odbc /proc/$(systemctl show -P MainPID dbsep)/maps")
	m.is(t, "curl -sS -d 'id=3' http://127.0.0.1:8000/place/destroy", "1\n")
	m.run(t, "rm /etc/odbc.ini /usr/local/lib/libother.so; printf '"+sqlite+"' > "+own+"; systemctl restart dbsep")
}

// folders puts SQLite's database in other folders: in Asterisk's, and in one where
// the service may not write until its unit allows it.
func folders(t *testing.T, m *machine) {
	write := "curl -sS -d 'name=sqlite' 'http://127.0.0.1:8000/place/update?id=1'"
	for _, folder := range []string{"/var/lib/asterisk", "/srv/phones"} {
		m.run(t, "mkdir -p "+folder+"; cp /var/lib/dbsep/site.db "+folder+"; chown -R dbsep: "+folder)
		m.run(t, "printf 'dsn=DBI:SQLite:dbname="+folder+"/site.db\n' > "+own+"; systemctl restart dbsep")
		if folder != "/var/lib/asterisk" {
			m.is(t, write, "-1\n")
			m.write(t, "/etc/systemd/system/dbsep.service.d/folder.conf", "[Service]\nReadWritePaths="+folder+"\n")
			m.run(t, "systemctl daemon-reload; systemctl restart dbsep")
		}
		m.is(t, write, "1\n")
	}
	m.run(t, "printf '"+sqlite+"' > "+own+"; systemctl restart dbsep")
}

// dropIns are further ones that the manual names.
func dropIns(t *testing.T, m *machine) {
	for _, d := range []struct{ name, lines, conf, script, want string }{
		{"a group for the socket", "SupplementaryGroups=www-data", "listen=unix:/run/dbsep/dbsep.sock\nsocket_group=www-data",
			"curl -sS --unix-socket /run/dbsep/dbsep.sock -d id=1 http://x/place/single; stat -c '%a %U:%G' /run/dbsep/dbsep.sock", "id=1&name=sqlite\n660 dbsep:www-data\n"},
		{"a port below 1024", "AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE", "listen=127.0.0.1:80",
			"curl -sS -d id=1 http://127.0.0.1/place/single", "id=1&name=sqlite\n"},
	} {
		t.Run(d.name, func(t *testing.T) {
			m.write(t, "/etc/systemd/system/dbsep.service.d/site.conf", "[Service]\n"+d.lines+"\n")
			m.run(t, "printf '"+sqlite+"[server]\n"+d.conf+"\n' > "+own+"; systemctl daemon-reload; systemctl restart dbsep")
			m.is(t, d.script, d.want)
		})
	}
	m.run(t, "rm /etc/systemd/system/dbsep.service.d/site.conf; printf '"+sqlite+"' > "+own+"; systemctl daemon-reload; systemctl restart dbsep")
}

// sockets lets systemd open the addresses.
func sockets(t *testing.T, m *machine) {
	m.write(t, "/etc/systemd/system/dbsep-status.socket", "[Socket]\nListenStream=127.0.0.1:9000\nFileDescriptorName=status\nService=dbsep.service\n")
	m.run(t, "systemctl stop dbsep; systemctl daemon-reload; systemctl enable --now dbsep.socket; systemctl start dbsep-status.socket")
	m.is(t, "systemctl is-active dbsep || true", "inactive\n")
	m.expect(t, askSite, "name=sqlite") // which starts it
	m.is(t, "curl -sS http://127.0.0.1:9000/livez", "ok\n")
	m.is(t, "curl -sS -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8000/livez", "404\n") // not where clients send requests
	m.run(t, "systemctl reload dbsep; "+askSite)
	m.run(t, `systemctl restart --no-block dbsep; for n in 1 2 3 4 5 6 7 8 9 10; do `+askSite+` | grep -q name=sqlite; done`)
	m.run(t, "systemctl stop dbsep-status.socket; rm /etc/systemd/system/dbsep-status.socket")
}

// ask sends a request to a socket.
func ask(socket string) string {
	return "curl -sS --unix-socket " + socket + " -d id=1 http://x/place/single"
}

// instances runs the service once more for each of two tenants. One opens its socket itself,
// that of the other is held by systemd.
func instances(t *testing.T, m *machine) {
	for name, server := range map[string]string{"north": "[server]\nlisten=unix:/run/dbsep-north/sock\n", "south": ""} {
		m.write(t, "/etc/dbsep/"+name+".conf", "dsn=DBI:SQLite:dbname=/var/lib/dbsep/"+name+"/site.db\n"+server)
		m.run(t, "install -d -o dbsep -g dbsep /var/lib/dbsep/"+name)
		m.run(t, strings.NewReplacer("/site.db", "/"+name+"/site.db", "sqlite'", name+"'").Replace(makeSite))
	}
	m.run(t, "systemctl enable --now dbsep@north.service dbsep@south.socket")
	m.expect(t, ask("/run/dbsep-north/sock"), "name=north")
	m.expect(t, ask("/run/dbsep-south.sock"), "name=south")
	m.expect(t, askSite, "name=sqlite") // of the service itself
	m.is(t, "stat -c '%a %U:%G' /run/dbsep-south.sock", "660 root:dbsep\n")

	m.expect(t, "dbsep health 2>&1 || test $? = 1", "several servers are running; name one with --pid")
	m.run(t, "echo liste=x >> /etc/dbsep/north.conf")
	m.expect(t, "systemctl reload dbsep@north 2>&1 || test $? = 1", "Job for dbsep@north.service failed")
	m.run(t, "systemctl reload dbsep@south; sed -i /liste=/d /etc/dbsep/north.conf; systemctl reload dbsep@north")
	m.run(t, "systemctl stop dbsep.service; "+ask("/run/dbsep-north/sock")) // does not take the folders of the others away
	m.run(t, "systemctl start dbsep.service")
}
