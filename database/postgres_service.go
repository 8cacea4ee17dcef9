package database

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxPostgresFile bounds the files that a DSN names, in bytes.
const maxPostgresFile = 1 << 20

// postgresSysconf is where Debian and its kin keep the service file of all
// accounts.
const postgresSysconf = "/etc/postgresql-common"

// readService completes the options from the service that they, or the
// environment, name.
func (m postgresOptions) readService(o *opening) {
	m.fall("service", o.Environ(postgresKnown["service"].variable))
	name := m["service"]
	if name == "" {
		return
	}
	system := o.Environ("PGSYSCONFDIR")
	if system == "" {
		system = postgresSysconf
	}
	own := o.Environ("PGSERVICEFILE")
	if own == "" {
		own = inHome(o, ".pg_service.conf")
	}
	for _, file := range []string{own, filepath.Join(system, "pg_service.conf")} {
		text, err := readPlain(file)
		if err != nil {
			continue // a file that is missing holds no service
		}
		if m.fromService(o, file, text, name) {
			m["servicefile"] = file
			return
		}
	}
	o.refuse("dsn", fmt.Sprintf("names the service %q, which no service file has", name),
		fmt.Sprintf("add [%s] to %s, readable for the account that dbsep runs as", name, own))
}

// fromService takes the settings of a service from a file's text and reports
// whether the file has the service.
func (m postgresOptions) fromService(o *opening, file, text, service string) bool {
	inside, found := false, false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			if found {
				return true
			}
			name, _, _ := strings.Cut(line[1:], "]")
			inside = name == service
			found = inside
		case inside:
			name, value, set := strings.Cut(line, "=")
			name = strings.TrimSpace(name)
			if _, known := postgresKnown[name]; !set || !known || name == "service" {
				o.refuse("dsn", fmt.Sprintf("names a service whose file %s has something in line %d that is no setting", file, number), "write name=value, without blanks or quotes")
				continue
			}
			m.fall(name, strings.TrimSpace(value))
		}
	}
	return found
}

// readPlain reads a file that is one, and not too large to be what it is meant
// to be.
func readPlain(path string) (string, error) {
	about, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !about.Mode().IsRegular() || about.Size() > maxPostgresFile {
		return "", fmt.Errorf("read %s: no file of settings", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// hasCertificate tells whether a text in PEM has one at least.
func hasCertificate(text string) bool { return x509.NewCertPool().AppendCertsFromPEM([]byte(text)) }
