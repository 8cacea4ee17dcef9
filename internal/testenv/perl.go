package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// perlModules are what the Perl script and its databases' drivers are made of.
var perlModules = []string{"CGI", "DBI", "DBD::SQLite", "DBD::mysql", "DBD::Pg"}

// perlConf is the configuration that the script reads, and no other one.
const perlConf = "/etc/asterisk/dbsep.conf"

// InstallPerlScript puts Asterisk's own dbsep.cgi into a folder of its own and
// returns the folder. The copy reads this site's dbsep.conf.
func (s *Site) InstallPerlScript(t testing.TB) string {
	t.Helper()
	text := perlScript(t)
	if strings.Count(text, perlConf) != 1 {
		t.Fatalf("dbsep.cgi does not name %s once", perlConf)
	}
	dir := filepath.Join(s.Folder, "cgi-bin")
	check(t, os.Mkdir(dir, 0o755))
	check(t, os.WriteFile(filepath.Join(dir, "dbsep.cgi"), []byte(strings.Replace(text, perlConf, s.Conf, 1)), 0o755))
	return dir
}

// perlScript is the text of the script as Debian's source package of Asterisk has
// it. It is no part of the project, but downloaded, unless an earlier run left one in
// the folder DBSEP_E2E_ROOTS.
func perlScript(t testing.TB) string {
	t.Helper()
	perl.Lock()
	defer perl.Unlock()
	if perl.script != "" {
		return perl.script
	}
	needed := []string{"-e", "1"}
	for _, module := range perlModules {
		needed = append(needed, "-M"+module)
	}
	if out, err := exec.CommandContext(t.Context(), "perl", needed...).CombinedOutput(); err != nil {
		skip(t, "Perl or one of its modules is missing; install them with: sudo apt-get install "+
			"libcgi-pm-perl libdbd-sqlite3-perl libdbd-mysql-perl libdbd-pg-perl\n"+string(out))
	}
	roots := os.Getenv(rootsVariable)
	check(t, os.MkdirAll(roots, 0o755))
	file := filepath.Join(roots, perlSuite+"_dbsep.cgi")
	if _, err := os.Stat(file); err != nil {
		check(t, os.WriteFile(file+".new", []byte(downloadPerlScript(t)), 0o644))
		check(t, os.Rename(file+".new", file))
	}
	perl.script = read(t, file)
	return perl.script
}

// perl is what the tests of a package share: the script is downloaded once.
var perl struct {
	sync.Mutex
	script string
}

// perlSuite is a Debian suite that has Asterisk: not every one does.
const perlSuite = "forky"

// downloadPerlScript has apt fetch, and verify, the source package from this
// machine's own mirror, with folders of its own, and takes the script out of it.
func downloadPerlScript(t testing.TB) string {
	t.Helper()
	dir := openFolder(t)
	for _, folder := range []string{"lists/partial", "cache/archives/partial"} {
		check(t, os.MkdirAll(filepath.Join(dir, folder), 0o755))
	}
	sources := filepath.Join(dir, "sources.list")
	options := []string{"-q", "-o", "Dir::State::lists=" + dir + "/lists", "-o", "Dir::Cache=" + dir + "/cache"}
	line := "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " + debianMirror(t, options) + " " + perlSuite + " main\n"
	check(t, os.WriteFile(sources, []byte(line), 0o644))
	options = append(options, "-o", "Dir::Etc::sourcelist="+sources, "-o", "Dir::Etc::sourceparts=-")
	run(t, dir, "apt-get", append(options, "update")...)
	run(t, dir, "apt-get", append(options, "--download-only", "source", "asterisk")...)
	archives, err := filepath.Glob(filepath.Join(dir, "asterisk_*.orig.tar.*"))
	check(t, err)
	if len(archives) != 1 {
		t.Fatalf("Debian's source package of Asterisk has the archives %v, not one", archives)
	}
	return run(t, dir, "tar", "--extract", "--to-stdout", "--file="+archives[0], "--wildcards", "*/contrib/scripts/dbsep.cgi")
}

// debianMirror is where this machine has its packages from.
func debianMirror(t testing.TB, options []string) string {
	t.Helper()
	if _, err := exec.LookPath("apt-get"); err != nil {
		skip(t, "apt-get is missing: the Perl script comes from Debian's packages")
	}
	code := regexp.MustCompile(`(?m)^VERSION_CODENAME=(\w+)`).FindStringSubmatch(read(t, "/etc/os-release"))
	if code == nil {
		t.Fatal("/etc/os-release does not say which suite of Debian this is")
	}
	uris := run(t, "/", "apt-get", append(options, "--print-uris", "update")...)
	mirror := regexp.MustCompile(`'(\S+)/dists/` + code[1] + `/InRelease'`).FindStringSubmatch(uris)
	if mirror == nil {
		t.Fatalf("apt has no mirror for %s", code[1])
	}
	return mirror[1]
}

// run runs a program in a folder to its end and returns what it writes.
func run(t testing.TB, dir, program string, arguments ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, arguments...)
	c.Dir = dir
	var wrong strings.Builder
	c.Stderr = &wrong
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", program, err, out, &wrong)
	}
	return string(out)
}
