package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dbsep/internal/mariadbtest"
)

// AORs with and without the permission to register.
var (
	registers   = reply{200, "", "id=alice&default_expiration=300&max_contacts=2&remove_existing=yes\n"}
	unregisters = reply{200, "", "id=alice&default_expiration=300&remove_existing=yes\n"}
)

// TestNoRegistrationsOnAServerThatIsReadOnly has an account that the server lets write all
// the same, too.
func TestNoRegistrationsOnAServerThatIsReadOnly(t *testing.T) {
	server := mariadbtest.New(t)
	name := server.Database(t)
	server.Exec(t, "CREATE USER pbx@127.0.0.1 IDENTIFIED BY 'pbx'", "GRANT SELECT, INSERT, UPDATE, DELETE ON "+name+".* TO pbx@127.0.0.1")
	server.ExecIn(t, name,
		"CREATE TABLE ps_aors (id VARCHAR(40) PRIMARY KEY, contact VARCHAR(80), default_expiration INT, max_contacts INT, remove_existing VARCHAR(3))",
		"INSERT INTO ps_aors VALUES ('alice', NULL, 300, 2, 'yes')",
		"CREATE TABLE ps_contacts (id VARCHAR(80) PRIMARY KEY, uri VARCHAR(80), expiration_time BIGINT)")
	for account, readOnly := range map[string]reply{"pbx": unregisters, server.User: registers} {
		password := map[string]string{"pbx": "pbx", server.User: server.Password}[account]
		r := startServer(t, t.TempDir(), fmt.Sprintf("dsn=DBI:mysql:database=%s;host=127.0.0.1;port=%d\ndbuser=%s\ndbpass=%s\n", name, server.Port, account, password))
		server.Exec(t, "SET GLOBAL read_only = 1")
		r.want(r.post("/ps_aors/single", "id=alice"), registers) // contacts may be stored elsewhere
		r.post("/ps_contacts/multi", "id LIKE=alice;@%25")
		r.want(r.post("/ps_aors/single", "id=alice"), readOnly)
		r.want(r.post("/ps_aors/multi", "id LIKE=%25"), readOnly)
		server.Exec(t, "SET GLOBAL read_only = 0")
		eventually(t, r, registers)
		r.want(r.post("/ps_contacts/store", "id=alice%3B%40"+account+"&uri=sip:alice&expiration_time=1"), reply{200, "", "1\n"})
	}
}

// eventually waits until alice's AOR is as it should be.
func eventually(t *testing.T, r *running, want reply) {
	t.Helper()
	var got reply
	for range 1000 {
		if got = r.post("/ps_aors/single", "id=alice"); got == want {
			return
		}
	}
	r.want(got, want)
}

func TestNoRegistrationsInAFileThatCannotBeWritten(t *testing.T) {
	needMounts(t)
	dir := sampleSite(t)
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	r := startServer(t, dir, "dsn=DBI:SQLite:dbname="+small+"/demo.db\n", "unshare", "--mount", "--map-root-user", "sh", "-c",
		fmt.Sprintf(`mount -t tmpfs -o size=512k none %s && cp %s/demo.db %[1]s && exec "$@"`, small, dir), "sh")
	r.post("/ps_contacts/multi", "id LIKE=alice;@%25")
	r.want(r.post("/ps_aors/single", "id=alice"), registers)

	inside := fmt.Sprintf("/proc/%d/root%s/", r.cmd.Process.Pid, small)
	filler, err := os.Create(inside + "filler")
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	filler.Close()
	eventually(t, r, unregisters)
	r.said(`level=WARN msg="the database takes no writes: phones cannot register" .*hint="make room`)
	if err := os.Remove(inside + "filler"); err != nil {
		t.Fatal(err)
	}
	eventually(t, r, registers)
	r.want(r.post("/ps_contacts/store", "id=alice%3B%40x&uri=sip:alice"), reply{200, "", "1\n"})
}
