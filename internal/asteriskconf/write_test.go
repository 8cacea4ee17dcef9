package asteriskconf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/asteriskconf"
	"dbsep/internal/asteriskconf/conftest"
)

// readText reads a file with a text.
func readText(t testing.TB, text string) *asteriskconf.File {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := asteriskconf.Read(dir, "f.conf")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTextLooksLikeAFile(t *testing.T) {
	f := readText(t, "[t](!)\nx=1\n[a](t)\ny=>2\\;3\n\\#z=\n[b;--;\n--;]\n")
	got, err := asteriskconf.Text(f.Sections)
	const want = "[a]\nx = 1\ny = 2\\;3\n\\#z =\n"
	if err != nil || got != want {
		t.Errorf("%v, got %q, want %q", err, got, want)
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	for _, c := range conftest.Cases {
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			c.Write(t, dir)
			f, err := asteriskconf.Read(dir, "f.conf")
			if err != nil {
				t.Fatal(err)
			}
			isReadAgain(t, f)
		})
	}
}

func isReadAgain(t *testing.T, f *asteriskconf.File) {
	t.Helper()
	text, err := asteriskconf.Text(f.Sections)
	if err != nil {
		t.Fatal(err)
	}
	again := readText(t, text)
	if diff := cmp.Diff(conftest.ShowSections(f.Sections), conftest.Show(again, "")); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, text)
	}
}

func TestWhatNoFileCanHave(t *testing.T) {
	for name, c := range map[string]struct{ section, name, value, want string }{
		"an end of a line in a value": {"a", "x", "1\n2", "the line \"x\" of section [a]: there is the end of a line"},
		"a space behind a value":      {"a", "x", "1 ", "whitespace at an end"},
		"a space before a name":       {"a", " x", "1", "whitespace at an end"},
		"no name":                     {"a", "", "1", "it has no name"},
		"a = in a name":               {"a", "x=y", "1", "a = in its name"},
		"a long line":                 {"a", "x", strings.Repeat("1", 8200), "more than 8190 bytes"},
		"a ] in a section's name":     {"a]b", "x", "1", "the section \"a]b\": its name has a ]"},
		"a long name of a section":    {strings.Repeat("a", 80), "x", "1", "more than 79 bytes"},
	} {
		_, err := asteriskconf.Text([]*asteriskconf.Section{{Name: c.section, Lines: []asteriskconf.Line{{Name: c.name, Value: c.value}}}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
