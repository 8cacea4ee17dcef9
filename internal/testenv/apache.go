package testenv

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// apacheModules are enabled by Debian when Apache is installed.
var apacheModules = strings.Fields(`access_compat alias auth_basic authn_core authn_file authz_core authz_host
	authz_user autoindex deflate dir env filter mime negotiation reqtimeout setenvif status`)

// debianApache is what Debian's apache2.conf says, with folders of the test.
const debianApache = `ServerRoot /etc/apache2
ServerName localhost
Listen %[2]s
Define APACHE_RUN_DIR %[1]s
Define APACHE_LOG_DIR %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/apache2.pid
ErrorLog /dev/stderr
DocumentRoot %[1]s/html
KeepAlive On
KeepAliveTimeout 5
<Directory />
	Options FollowSymLinks
	AllowOverride None
	Require all denied
</Directory>
<Directory %[1]s/html>
	Require all granted
</Directory>
`

// Apache starts an Apache at an address with the modules that Debian enables, further
// ones, each with Debian's settings, and lines of configuration. It runs in
// the foreground with folders of its own.
func Apache(t testing.TB, address string, modules []string, lines string) *Process {
	t.Helper()
	return ApacheOf(t, "mpm_event", address, modules, lines)
}

// ApacheOf starts an Apache that divides its work in another way than the one
// that Debian enables, such as mpm_prefork.
func ApacheOf(t testing.TB, mpm, address string, modules []string, lines string) *Process {
	t.Helper()
	program := Installed(t, "apache2", "apache2")
	dir := openFolder(t)
	for _, folder := range []string{"html", "socks"} {
		check(t, os.Mkdir(filepath.Join(dir, folder), 0o777))
	}
	var text strings.Builder
	fmt.Fprintf(&text, debianApache, dir, address)
	if os.Getuid() == 0 {
		text.WriteString("User www-data\nGroup www-data\n")
	}
	for _, m := range slices.Concat([]string{mpm}, apacheModules, modules) {
		fmt.Fprintf(&text, "Include mods-available/%s.load\nIncludeOptional mods-available/%[1]s.conf\n", m)
	}
	text.WriteString(lines)
	file := filepath.Join(dir, "apache2.conf")
	check(t, os.WriteFile(file, []byte(text.String()), 0o644))
	p := Start(t, nil, program, "-DFOREGROUND", "-f", file)
	WaitFor(t, "Apache at "+address, p, Listening(address))
	return p
}

// Listening tries to connect to an address.
func Listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		network := "tcp"
		if strings.HasPrefix(address, "/") {
			network = "unix"
		}
		var d net.Dialer
		c, err := d.DialContext(ctx, network, address)
		if err == nil {
			c.Close()
		}
		return err
	}
}

// Installed finds a program, where an ordinary user's PATH does not lead, too,
// and leaves the test out where it is missing.
func Installed(t testing.TB, program, pkg string) string {
	t.Helper()
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(program)
	if err != nil {
		skip(t, program+" is missing; install it with: sudo apt-get install "+pkg)
	}
	return path
}
