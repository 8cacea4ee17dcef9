//go:build e2e

package asterisk

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// listeners are modules that listen on all addresses with Debian's configuration.
const listeners = "noload = chan_iax2.so\nnoload = chan_mgcp.so\nnoload = chan_ooh323.so\nnoload = chan_unistim.so\nnoload = pbx_dundi.so\n"

// TestDemoIsEnoughForAsterisk starts dbsep demo and an Asterisk that has Debian's
// configuration and the lines that the demo prints: phones register with it and
// call each other.
func TestDemoIsEnoughForAsterisk(t *testing.T) {
	root := debianRoot(t)
	p := &pbx{Asterisk: testenv.NewAsterisk(t, root), whole: t, sip: freeAddress(t)}

	demo := testenv.Start(t, nil, testenv.Program(t), "demo", "--listen", testenv.FreeAddress(t))
	demo.WaitForLog(t, "Ctrl-C ends it")
	files := printedFiles(demo.Log.String())
	for _, name := range []string{"extconfig.conf", "sorcery.conf", "pjsip.conf", "extensions.conf"} {
		if files[name] == "" {
			t.Errorf("the demo prints no lines for %s:\n%s", name, demo.Log)
		}
	}
	files["pjsip.conf"] = strings.ReplaceAll(files["pjsip.conf"], "0.0.0.0:5060", p.sip)
	p.install(t, files)
	p.Start(t)

	phones := map[string]*phone{}
	for _, user := range []string{"alice", "bob"} {
		f := newPhone(t, p, user)
		f.password = "demo-" + user
		f.registers(t, f.contact(parameters), 300)
		p.shows(t, "pjsip show endpoint "+user, f.address)
		phones[user] = f
	}
	call := phones["alice"].calls(t, "101")
	phones["bob"].awaitRequest(t, "ACK")
	call.hangUp(t)
	call = phones["bob"].calls(t, "100")
	phones["alice"].awaitRequest(t, "ACK")
	call.hangUp(t)
	p.shows(t, "queue show support", "Alice (PJSIP/alice)")
	p.shows(t, "queue show support", "Bob (PJSIP/bob)")
	p.comes(t, "AST_CONFIG(musiconhold.conf,quiet,mode)", "files")
	p.comes(t, "VM_INFO(100@default,fullname)", "Alice")
}

// install gives Asterisk Debian's configuration with some lines more, by the names of the
// files.
func (p *pbx) install(t *testing.T, lines map[string]string) {
	t.Helper()
	lines["modules.conf"] = "[modules]\n" + listeners + "noload = app_voicemail_odbc.so\n"
	installed, err := filepath.Glob(filepath.Join(p.Root, "etc/asterisk/*.conf"))
	check(t, err)
	for _, file := range installed {
		if name := filepath.Base(file); name != "asterisk.conf" && name != "logger.conf" {
			p.Write(t, name, addLines(read(t, file), lines[name]))
		}
	}
}

// addLines adds the lines of one section to a file: to the section of that name
// where there is one, and at the end where there is none.
func addLines(text, lines string) string {
	head, _, _ := strings.Cut(lines, "\n")
	if before, after, found := strings.Cut("\n"+text, "\n"+head+"\n"); found && head != "" {
		return before + "\n" + lines + after
	}
	return text + "\n" + lines
}

// printedFiles are the files that the demo prints lines of, by their names.
func printedFiles(text string) map[string]string {
	files := map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		switch indented, ok := strings.CutPrefix(line, "    "); {
		case ok && name != "":
			files[name] += indented
		case regexp.MustCompile(`^\w+\.conf\n$`).MatchString(line):
			name = strings.TrimSpace(line)
		case line != "\n":
			name = ""
		}
	}
	return files
}
