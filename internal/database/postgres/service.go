package postgres

import (
	"crypto/x509"
	"fmt"
	"path/filepath"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

// defaultSysconfDir is where Debian and its kin keep the service file of all
// accounts.
const defaultSysconfDir = "/etc/postgresql-common"

// readService completes the options from the service that they, or the
// environment, name.
func (m dsnOptions) readService(o *database.OpenContext) {
	m.fall("service", o.Environ(knownOptions["service"].variable))
	name := m["service"]
	if name == "" {
		return
	}
	system := o.Environ("PGSYSCONFDIR")
	if system == "" {
		system = defaultSysconfDir
	}
	own := o.Environ("PGSERVICEFILE")
	if own == "" {
		own = dsn.InHome(o.Environ, ".pg_service.conf")
	}
	for _, file := range []string{own, filepath.Join(system, "pg_service.conf")} {
		text, err := dsn.ReadFile(file)
		if err != nil {
			continue // a file that is missing holds no service
		}
		if m.fromService(o, file, text, name) {
			m["servicefile"] = file
			return
		}
	}
	o.Refuse("dsn", fmt.Sprintf("names the service %q, which no service file has", name),
		fmt.Sprintf("add [%s] to %s, readable for the account that dbsep runs as", name, own))
}

// fromService takes the settings of a service from a file's text and reports
// whether the file has the service.
func (m dsnOptions) fromService(o *database.OpenContext, file, text, service string) bool {
	found := false
	for l := range dsn.Lines(text, "#") {
		if l.Section != service {
			if found {
				break
			}
			continue
		}
		found = true
		if l.Text == "" {
			continue
		}
		name, value, set := l.Setting()
		if _, known := knownOptions[name]; !set || !known || name == "service" {
			o.Refuse("dsn", fmt.Sprintf("names a service whose file %s has something in line %d that is no setting", file, l.Number), "write name=value, without spaces or quotes")
			continue
		}
		m.fall(name, value)
	}
	return found
}

// hasCertificate reports whether a text in PEM has at least one certificate.
func hasCertificate(text string) bool { return x509.NewCertPool().AppendCertsFromPEM([]byte(text)) }
