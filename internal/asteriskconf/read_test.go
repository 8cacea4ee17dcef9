package asteriskconf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// folder writes files into a folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// show writes a file in one line: [section] name=value ..., and its problems.
func show(f *File, dir string) string {
	var parts []string
	for _, s := range f.Sections {
		name := "[" + s.Name + "]"
		if s.Template {
			name += "!"
		}
		parts = append(parts, name)
		for _, l := range s.Lines {
			parts = append(parts, l.Name+"="+l.Value)
		}
	}
	for _, p := range f.Problems {
		parts = append(parts, fmt.Sprintf("(%s:%d %s)", strings.TrimPrefix(p.File, dir+"/"), p.Line, strings.ReplaceAll(p.Text, dir+"/", "")))
	}
	return strings.Join(parts, " ")
}

func TestRead(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"sections", "[a]\nx=1\ny => 2\n[b]\nz = 3 \n", "[a] x=1 y=2 [b] z=3"},
		{"an empty value", "[a]\nx=\n", "[a] x="},
		{"a value with =", "[a]\nx=a=b\n", "[a] x=a=b"},
		{"comments", "; c\n[a] ; c\nx=1 ; c\n;y=2\n", "[a] x=1"},
		{"a semicolon that is none", "[a]\nx=1\\;2;3\n", "[a] x=1;2"},
		{"a comment of several lines", "[a]\nx=1 ;-- c\ny=2\n--; \nz=3\n", "[a] x=1 z=3"},
		{"a comment within a line", "[a]\nx=1 ;-- c --; 2\n", "[a] x=1  2"},
		{"a line of ;---", "[a]\n;---------\nx=1\n", "[a] x=1"},
		{"a template", "[t](!)\nx=1\n[a](t)\ny=2\n", "[t]! x=1 [a] x=1 y=2"},
		{"two templates", "[t](!)\nx=1\n[u](!)\nx=2\n[a](t,u)\n", "[t]! x=1 [u]! x=2 [a] x=1 x=2"},
		{"more of a section", "[a]\nx=1\n[b]\n[a](+)\ny=2\n", "[a] x=1 y=2 [b]"},
		{"no such template", "[a](t)\n", "[a] (f.conf:1 there is no template [t] before it)"},
		{"a line before any section", "x=1\n[a]\n", "[a] (f.conf:1 no [section] precedes it)"},
		{"a line without =", "[a]\nx\n", "[a] (f.conf:2 there is no = in it)"},
		{"a section without ]", "[a\n", "(f.conf:1 ] is missing)"},
		{"an included file", "[a]\n#include \"g.conf\"\nz=3\n", "[a] y=2 z=3"},
		{"with < and >", "[a]\n#include <g.conf>\n", "[a] y=2"},
		{"without quotes", "[a]\n#include g.conf\n", "[a] y=2"},
		{"a pattern", "[a]\n#include \"g*.conf\"\n", "[a] y=2"},
		{"a file that is not there", "[a]\n#include \"h.conf\"\n", "[a] (f.conf:2 open h.conf: file does not exist)"},
		{"one that need not be there", "[a]\n#tryinclude \"h.conf\"\nx=1\n", "[a] x=1"},
		{"a program", "[a]\n#exec \"/bin/true\"\n", "[a] (f.conf:2 what it runs was not run)"},
		{"another directive", "[a]\n#x\n", "[a] (f.conf:2 #x is no directive)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"f.conf": c.text, "g.conf": "y=2\n"})
			f, err := Read(dir, "f.conf")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, show(f, dir)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesThatIncludeThemselvesEnd(t *testing.T) {
	dir := folder(t, map[string]string{"f.conf": "[a]\nx=1\n#include \"f.conf\"\n"})
	f, err := Read(dir, "f.conf")
	if err != nil || len(f.Problems) != 1 || !strings.Contains(f.Problems[0].Text, "more than 10 deep") {
		t.Errorf("%v, %+v", err, f)
	}
}

func TestTheFirstSectionOfAName(t *testing.T) {
	f, err := Read(folder(t, map[string]string{"f.conf": "[b]\n[A]\nx=1\nX=2\n[a]\nx=3\n"}), "f.conf")
	if err != nil {
		t.Fatal(err)
	}
	if s := f.Section("a"); len(s.Lines) != 2 || s.Line != 2 || s.Last("x").Value != "2" || s.Last("x").Line != 4 || s.Last("y") != nil {
		t.Errorf("%+v", s)
	}
	if s := f.Section("c"); s != nil || s.Last("x") != nil {
		t.Errorf("%+v", s)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[a](!)\nx=1;c\n[b](a,+)\n;--\n--;y=>2\n#exec x\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "#") {
			t.Skip("it could include any file")
		}
		file, err := Read(folder(t, map[string]string{"f.conf": text}), "f.conf")
		if err != nil {
			return // a line may be too long
		}
		for _, s := range file.Sections {
			for _, l := range s.Lines {
				if l.Line < 1 || l.Line > strings.Count(text, "\n")+1 || strings.TrimSpace(l.Value) != l.Value {
					t.Errorf("%q: %+v", text, l)
				}
			}
		}
	})
}
