package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/config"

	"github.com/google/go-cmp/cmp"
)

// A document shows the settings in the order of the table; this is what one
// says about each.
type entry struct{ Section, Key, Default string }

func table() []entry {
	var entries []entry
	for _, s := range config.Settings() {
		entries = append(entries, entry{s.Section, s.Key, s.Default})
	}
	return entries
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	header    = regexp.MustCompile(`^(?:## |\.Ss )?\[([a-z]+)\](?:\\&)?$`)
	inSample  = regexp.MustCompile(`^#?([a-z0-9_]+)=(.*)$`)
	inManual  = regexp.MustCompile("^\\| `([a-z0-9_]+)` \\| (?:`([^`]+)`|none|empty) \\|")
	inPage    = regexp.MustCompile(`^\.It Ic ([a-z0-9_]+)=(.*)$`)
	commented = regexp.MustCompile(`(?m)^#([a-z0-9_]+=)`)
)

// entries finds what a document says about settings, the Perl script's keys
// without a default.
func entries(text string, row *regexp.Regexp) []entry {
	var found []entry
	section := ""
	for _, line := range strings.Split(text, "\n") {
		if m := header.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		if m := row.FindStringSubmatch(line); m != nil {
			e := entry{section, m[1], m[2]}
			if section == "" {
				e.Default = ""
			}
			found = append(found, e)
		}
	}
	return found
}

func TestSampleHasEverySettingAndNothingElse(t *testing.T) {
	if diff := cmp.Diff(table(), entries(read(t, "../../dbsep.conf.sample"), inSample)); diff != "" {
		t.Errorf("the sample differs from the settings (-settings +sample):\n%s", diff)
	}
}

func TestManualHasEverySettingAndNothingElse(t *testing.T) {
	if diff := cmp.Diff(table(), entries(read(t, "../../docs/configuration.md"), inManual)); diff != "" {
		t.Errorf("the manual differs from the settings (-settings +manual):\n%s", diff)
	}
}

func TestManualPageHasEverySettingAndNothingElse(t *testing.T) {
	if diff := cmp.Diff(table(), entries(read(t, "../../contrib/man/dbsep.conf.5"), inPage)); diff != "" {
		t.Errorf("dbsep.conf(5) differs from the settings (-settings +page):\n%s", diff)
	}
}

func TestManualPageExplainsEverySetting(t *testing.T) {
	plain := strings.NewReplacer(`\(ha`, "^", `\(ti`, "~").Replace(read(t, "../../contrib/man/dbsep.conf.5"))
	prose := strings.Join(strings.Fields(plain), " ")
	for _, s := range config.Settings() {
		if !strings.Contains(prose, s.Doc) {
			t.Errorf("%s: dbsep.conf(5) does not say %q", s.Key, s.Doc)
		}
	}
}

func TestSampleExplainsEverySetting(t *testing.T) {
	prose := strings.Join(strings.Fields(strings.ReplaceAll(read(t, "../../dbsep.conf.sample"), "\n#", "\n")), " ")
	for _, s := range config.Settings() {
		if !strings.Contains(prose, s.Doc) {
			t.Errorf("%s: the sample does not say %q", s.Key, s.Doc)
		}
	}
}

func TestSampleWorksAsItIs(t *testing.T) {
	c := parse(t, read(t, "../../dbsep.conf.sample"))
	expect(t, c.Warnings, nil)
	want := perl{DSN: "DBI:mysql:database=asterisk", User: "asterisk", HasUser: true, HasPassword: true}
	if diff := cmp.Diff(want, keys(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSampleShowsTheDefaults(t *testing.T) {
	c := parse(t, commented.ReplaceAllString(read(t, "../../dbsep.conf.sample"), "$1"))
	expect(t, c.Warnings, nil)
	d := config.Default()
	if diff := cmp.Diff([]any{d.Server, d.Log, d.Database, d.Limits, d.Compat}, []any{c.Server, c.Log, c.Database, c.Limits, c.Compat}); diff != "" {
		t.Errorf("(-default +sample):\n%s", diff)
	}
}

func TestSettingKeysAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		if seen[s.Key] || s.Doc == "" || s.Key != strings.ToLower(s.Key) {
			t.Errorf("setting %+v", s)
		}
		seen[s.Key] = true
	}
}
