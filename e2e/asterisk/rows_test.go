//go:build e2e

package asterisk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// debianRoot is a Debian with Asterisk, the music that the rows name, and a phone.
func debianRoot(t *testing.T) string {
	t.Helper()
	root := testenv.AsteriskRoot(t)
	music := filepath.Join(root, "srv/rt/moh")
	check(t, os.MkdirAll(music, 0o755))
	prompts, err := filepath.Glob(filepath.Join(root, "usr/share/asterisk/sounds/en_US*/beep.gsm"))
	check(t, err)
	if len(prompts) == 0 {
		t.Fatal("Asterisk came without its prompts")
	}
	for _, name := range []string{"a", "b", "c"} {
		check(t, os.WriteFile(filepath.Join(music, name+".gsm"), []byte(read(t, prompts[0])), 0o644))
	}
	return root
}

// seed makes the rows of the data suit one Asterisk: free addresses in the place
// of fixed ones, and times that a test can wait for.
func (p *pbx) seed(t *testing.T) {
	t.Helper()
	for _, table := range []string{"ps_endpoints", "iaxfriends", "extensions"} {
		p.exec(t, `UPDATE `+table+` SET context = 'phones' WHERE context = 'rt'`)
	}
	p.exec(t, `UPDATE extensions SET exten = '_X.' WHERE exten = '_.'`) // so that it does not take h
	p.exec(t, `UPDATE ps_globals SET contact_expiration_check_interval = 1`)
	p.exec(t, `UPDATE ps_endpoints SET media_address = '127.0.0.1', bind_rtp_to_media_address = 'yes'`)
	p.exec(t, `UPDATE ps_aors SET minimum_expiration = 1 WHERE id = 'carol'`)
	p.exec(t, `UPDATE ps_aors SET contact = ? WHERE id IN ('trunk', 'bob')`, "sip:"+p.trunk.address)
	p.exec(t, `UPDATE ps_registrations SET server_uri = ?, client_uri = ?, max_random_initial_delay = 0`,
		"sip:"+p.trunk.address, "sip:trunk@"+p.trunk.address)
}

// exec changes rows behind dbsep's back, as an administrator does.
func (p *pbx) exec(t *testing.T, statement string, arguments ...any) {
	t.Helper()
	statement = p.numbered(statement, len(arguments))
	if _, err := p.DB.ExecContext(t.Context(), statement, arguments...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// storeFile puts the lines of a configuration file into the table of static
// files.
func (p *pbx) storeFile(t *testing.T, name, text string) {
	t.Helper()
	category, section, line := "", 1000, 0
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == ';':
		case l[0] == '[':
			category, section, line = strings.Trim(l, "[]"), section-1, 0
		default:
			key, value, _ := strings.Cut(l, "=")
			p.storeLine(t, section, line, name, category, strings.TrimSpace(key), strings.TrimSpace(strings.TrimPrefix(value, ">")))
			line++
		}
	}
}

// storeLine puts one line of a configuration file into the table. Sections come
// in falling order of their number, lines in rising order.
func (p *pbx) storeLine(t *testing.T, section, line int, file, category, key, value string) {
	t.Helper()
	p.exec(t, `INSERT INTO ast_config (cat_metric, var_metric, commented, filename, category, var_name, var_val)
		VALUES (?, ?, 0, ?, ?, ?, ?)`, section, line, file, category, key, value)
}

// numbered writes the question marks of a statement as the database wants them.
func (p *pbx) numbered(statement string, arguments int) string {
	if p.Kind == "PostgreSQL" {
		for n := range arguments {
			statement = strings.Replace(statement, "?", fmt.Sprintf("$%d", n+1), 1)
		}
	}
	return statement
}
