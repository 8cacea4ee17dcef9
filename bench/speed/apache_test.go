//go:build bench

package speed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// path is where the script has always been.
const path = "/cgi-bin/dbsep.cgi"

// manual is the page whose lines the Apaches are configured with.
const manual = "../../docs/apache.md"

// behindApache is a program that an Apache starts or holds.
func behindApache(name, address string, apache *testenv.Process) *program {
	return &program{name: name, base: "http://" + address + path, pid: apache.Cmd.Process.Pid}
}

// kept lets clients keep their connections, and has errors go into a file: the
// Perl script causes a warning with every request.
func (s *site) kept(name string) string {
	return "MaxKeepAliveRequests 0\nErrorLog " + filepath.Join(s.Folder, name+".log") + "\n"
}

// startPerl starts the Perl script as the CGI program that it is.
func (s *site) startPerl(t *testing.T, scripts string) *program {
	t.Helper()
	return s.startCGI(t, "dbsep.cgi, CGI", filepath.Join(scripts, "dbsep.cgi"))
}

// startModPerl starts the Perl script within processes that keep it compiled and
// its connections open, as many of them as there will ever be clients: its best
// case.
func (s *site) startModPerl(t *testing.T, scripts string) *program {
	t.Helper()
	address := testenv.FreeAddress(t)
	apache := testenv.ApacheOf(t, "mpm_prefork", address, []string{"perl"}, `PerlModule Apache::DBI
PerlModule ModPerl::Registry
PerlModule CGI
PerlModule DBI
Alias /cgi-bin/ `+scripts+`/
<Directory `+scripts+`>
	SetHandler perl-script
	PerlResponseHandler ModPerl::Registry
	PerlOptions +ParseHeaders
	Options +ExecCGI
	Require all granted
</Directory>
StartServers 64
MinSpareServers 1
MaxSpareServers 64
`+s.kept("modperl"))
	return behindApache("dbsep.cgi, mod_perl", address, apache)
}

// startDbsepCGI starts dbsep in the place of the script.
func (s *site) startDbsepCGI(t *testing.T) *program {
	t.Helper()
	return s.startCGI(t, "dbsep, CGI", filepath.Join(s.installDbsep(t), "dbsep.cgi"))
}

// startPassing starts dbsep-cgi in the place of the script, and the server that it passes
// requests to.
func (s *site) startPassing(t *testing.T) *program {
	t.Helper()
	other := *s
	site := *s.Site
	other.Site = &site
	site.Conf = filepath.Join(s.Folder, "passing.conf") // which Apache's account can find
	plain, err := os.ReadFile(s.Conf)
	check(t, err)
	check(t, os.WriteFile(site.Conf, plain, 0o644))
	socket := filepath.Join(s.Folder, "cgi.sock")
	site.Configure(t, "[server]", "cgi_listen=unix:"+socket, "cgi_socket_mode=0666")
	server := site.ServeAt(t, testenv.FreeAddress(t))
	file := filepath.Join(s.installDbsep(t), "dbsep.cgi")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "dbsep/cmd/dbsep-cgi")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the Makefile does
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build dbsep-cgi: %v\n%s", err, out)
	}
	// No other way: what is measured is never dbsep itself.
	environ := []string{"DBSEP_CGI_SOCKET=" + socket, "DBSEP_PROGRAM=/nowhere/dbsep"}
	p := other.startCGI(t, "dbsep-cgi, CGI", file, environ...)
	p.server = server.Cmd.Process.Pid
	return p
}

// setEnv are the lines by which Apache passes variables to CGI programs.
func setEnv(environ []string) (lines string) {
	for _, variable := range environ {
		lines += "SetEnv " + strings.Replace(variable, "=", " ", 1) + "\n"
	}
	return lines
}

func (s *site) startCGI(t *testing.T, name, file string, environ ...string) *program {
	t.Helper()
	address := testenv.FreeAddress(t)
	apache := testenv.Apache(t, address, []string{"cgid"}, testenv.ReadPage(t, manual).Block(t, "dbsep-cgi.conf",
		"/usr/lib/cgi-bin", filepath.Dir(file), "/etc/asterisk/dbsep.conf", s.Conf)+setEnv(environ)+s.kept("cgi"))
	p := behindApache(name, address, apache)
	p.own, p.environ = file, append(environ, "DBSEP_CONF="+s.Conf)
	return p
}

// startDbsepFastCGI starts dbsep in processes of mod_fcgid.
func (s *site) startDbsepFastCGI(t *testing.T) *program {
	t.Helper()
	address := testenv.FreeAddress(t)
	apache := testenv.Apache(t, address, []string{"fcgid"}, testenv.ReadPage(t, manual).Block(t, "dbsep-fcgid.conf",
		"/usr/lib/dbsep", s.installDbsep(t), "/etc/asterisk/dbsep.conf", s.Conf)+s.kept("fcgid"))
	return behindApache("dbsep, FastCGI", address, apache)
}

// installDbsep copies dbsep into a folder of its own, as dbsep.cgi.
func (s *site) installDbsep(t *testing.T) string {
	t.Helper()
	program, err := os.ReadFile(testenv.Program(t))
	check(t, err)
	dir, err := os.MkdirTemp(s.Folder, "dbsep-")
	check(t, err)
	check(t, os.Chmod(dir, 0o755))
	check(t, os.WriteFile(filepath.Join(dir, "dbsep.cgi"), program, 0o755))
	return dir
}
