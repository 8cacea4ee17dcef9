package config_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/config"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated parts of the documents")

// A document lists all settings. The list of each section is generated; it is
// between two texts.
type document struct {
	file     string
	begin    string // with a verb for the name of the section
	perlKeys string // the name in begin of the keys that belong to no section
	end      string
	entry    func(config.Setting) string
}

var documents = []document{
	{
		file:     "../../dbsep.conf.sample",
		begin:    "%s\n",
		perlKeys: "# The keys that the Perl script reads, too.",
		end:      "\n\n\n",
		entry: func(s config.Setting) string {
			line := s.Key + "=" + s.Example
			if s.Section != "" {
				line = "#" + s.Key + "=" + s.Default
			}
			return "\n" + wrap("# ", s.PlainDoc()) + line + "\n"
		},
	},
	{
		file:     "../../docs/configuration.md",
		begin:    "<!-- settings of %s, written by make generate -->\n| Key | Default | Kind | Meaning |\n|---|---|---|---|\n",
		perlKeys: "the Perl script",
		end:      "\n\n",
		entry: func(s config.Setting) string {
			value := "`" + s.Default + "`"
			if s.Default == "" {
				value = "empty"
			}
			if s.Section == "" {
				value = "none"
			}
			return fmt.Sprintf("| `%s` | %s | %s | %s |\n", s.Key, value, s.Kind, strings.TrimSpace(s.Doc+" "+s.Details))
		},
	},
	{
		file:     "../../contrib/man/dbsep.conf.5",
		begin:    ".Ss %s\n.Bl -tag -width 4n\n",
		perlKeys: "The keys of the Perl script",
		end:      "\n.El\n",
		entry: func(s config.Setting) string {
			text := strings.NewReplacer(`\`, `\e`, "^", `\(ha`, "~", `\(ti`).Replace(s.PlainDoc())
			entry := ".It Ic " + s.Key + "=" + s.Default + "\n"
			for _, sentence := range strings.SplitAfter(text, ". ") {
				entry += wrap("", sentence) // man(1) puts more space between sentences that end a line
			}
			return entry
		},
	},
}

// generate replaces the generated parts of a document.
func (d document) generate(t *testing.T, text string) string {
	t.Helper()
	var sections []string
	lists := map[string]string{}
	for _, s := range config.Settings() {
		if lists[s.Section] == "" {
			sections = append(sections, s.Section)
		}
		lists[s.Section] += d.entry(s)
	}
	for _, section := range sections {
		begin := fmt.Sprintf(d.begin, d.title(section))
		before, rest, found := strings.Cut(text, begin)
		_, after, ends := strings.Cut(rest, d.end)
		if !found || !ends || strings.Contains(rest, begin) {
			t.Fatalf("%s: the list of settings of section %q is not once between %q and %q", d.file, section, begin, d.end)
		}
		text = before + begin + strings.TrimSuffix(lists[section], "\n") + d.end + after
	}
	return text
}

func (d document) title(section string) string {
	switch {
	case section == "":
		return d.perlKeys
	case strings.HasPrefix(d.begin, ".Ss"):
		return "[" + section + `]\&` // a line of mdoc would end its sentence at ]
	default:
		return "[" + section + "]"
	}
}

// wrap breaks a text into lines of at most 80 characters.
func wrap(prefix, text string) string {
	const width = 80
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = prefix + word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = prefix + word
		default:
			line += " " + word
		}
	}
	return strings.Join(append(lines, line), "\n") + "\n"
}

func TestDocumentsAreGenerated(t *testing.T) {
	for _, d := range documents {
		text := read(t, d.file)
		want := d.generate(t, text)
		if *update {
			if err := os.WriteFile(d.file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(text, "\n")); diff != "" {
			t.Errorf("%s differs from the table of settings; run: make generate (-settings +document):\n%s", d.file, diff)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSampleWorksAsItIs(t *testing.T) {
	c := parse(t, read(t, "../../dbsep.conf.sample"))
	expect(t, c.Warnings, nil)
	want := perl{DSN: "DBI:mysql:database=asterisk", User: "asterisk", HasUser: true, HasPassword: true}
	if diff := cmp.Diff(want, keys(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var commented = regexp.MustCompile(`(?m)^#([a-z0-9_]+=)`)

func TestSampleShowsTheDefaults(t *testing.T) {
	c := parse(t, commented.ReplaceAllString(read(t, "../../dbsep.conf.sample"), "$1"))
	expect(t, c.Warnings, nil)
	d := config.Default()
	if diff := cmp.Diff([]any{d.Server, d.Log, d.Database, d.Limits, d.Compat}, []any{c.Server, c.Log, c.Database, c.Limits, c.Compat}); diff != "" {
		t.Errorf("(-default +sample):\n%s", diff)
	}
}

func TestSettings(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		if seen[s.Key] || s.Kind == "" || s.Doc == "" || s.Key != strings.ToLower(s.Key) || strings.Count(s.Doc, "`")%2 != 0 {
			t.Errorf("setting %+v", s)
		}
		seen[s.Key] = true
	}
}
