package asteriskconf_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/asteriskconf"
	"dbsep/internal/asteriskconf/conftest"
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

func TestRead(t *testing.T) {
	for _, c := range conftest.Cases {
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			c.Write(t, dir)
			f, err := asteriskconf.Read(dir, "f.conf")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.Want, conftest.Show(f, dir)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesThatIncludeThemselvesEnd(t *testing.T) {
	dir := folder(t, map[string]string{"f.conf": "[a]\nx=1\n#include \"f.conf\"\n"})
	f, err := asteriskconf.Read(dir, "f.conf")
	if err != nil || len(f.Problems) != 1 || !strings.Contains(f.Problems[0].Text, "f.conf includes itself") {
		t.Errorf("%v, %+v", err, f)
	}
}

func TestTheFirstSectionOfAName(t *testing.T) {
	f, err := asteriskconf.Read(folder(t, map[string]string{"f.conf": "[b]\n[A]\nx=1\nX=2\n[a]\nx=3\n"}), "f.conf")
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

func TestLimits(t *testing.T) {
	var doubling strings.Builder
	doubling.WriteString("[0](!)\nx=1\n")
	for i := range 40 {
		fmt.Fprintf(&doubling, "[%d](!,%d,%[2]d)\n", i+1, i)
	}
	for name, files := range map[string]map[string]string{
		"lines of templates":  {"f.conf": doubling.String()},
		"files":               {"f.conf": "#include g0.conf\n", "g0.conf": strings.Repeat("#include g1.conf\n", 40), "g1.conf": strings.Repeat("#include g2.conf\n", 40), "g2.conf": "[a]\n"},
		"bytes of many files": {"f.conf": strings.Repeat("#include g.conf\n", 900), "g.conf": strings.Repeat(";"+strings.Repeat("c", 8000)+"\n", 10)},
	} {
		_, err := asteriskconf.Read(folder(t, files), "f.conf")
		if err == nil || !strings.Contains(err.Error(), "more than 1000 files, 67108864 bytes or 1048576 lines") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALineIsTooLong(t *testing.T) {
	for _, length := range []int{8190, 8191, 8192, 8193, 100000} {
		for _, end := range []string{"", "\n"} {
			value := strings.Repeat("v", length-len("x="))
			f := readText(t, "[a]\nx="+value+end+strings.Repeat("y=1\n", len(end)))
			if kept := f.Section("a").Last("x") != nil; kept != (length <= 8190) || kept != (len(f.Problems) == 0) {
				t.Errorf("%d bytes, %q: %v %v", length, end, kept, f.Problems)
			}
			if (f.Section("a").Last("y") != nil) != (end != "") {
				t.Errorf("%d bytes: the line behind it was not read", length)
			}
		}
	}
}

func TestAPipeIsNotWaitedFor(t *testing.T) {
	dir := folder(t, map[string]string{"f.conf": "[a]\n#include p.conf\nx=1\n"})
	if err := syscall.Mkfifo(filepath.Join(dir, "p.conf"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := asteriskconf.Read(dir, "f.conf")
	if err != nil || len(f.Problems) != 1 || f.Problems[0].Effect != asteriskconf.Refused {
		t.Errorf("%v, %+v", err, f)
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range conftest.Cases {
		f.Add(c.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			t.Skip("it could include any file")
		}
		file := readText(t, text)
		for _, s := range file.Sections {
			for _, l := range s.Lines {
				if l.Line < 1 || l.Line > strings.Count(text, "\n")+1 {
					t.Errorf("%q: %+v", text, l)
				}
			}
		}
		again, err := asteriskconf.Text(file.Sections)
		if err != nil {
			if strings.Contains(err.Error(), "more than 8190 bytes") {
				return // of several lines with +=
			}
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(conftest.ShowSections(file.Sections), conftest.Show(readText(t, again), "")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	})
}
