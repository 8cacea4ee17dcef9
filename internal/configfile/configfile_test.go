package configfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestUsualFile(t *testing.T) {
	dir := t.TempDir()
	there, perl := filepath.Join(dir, "there.conf"), filepath.Join(dir, "perl.conf")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, own, want string }{
		{"its own file is there", there, there},
		{"its own file is missing", filepath.Join(dir, "missing.conf"), perl},
		{"its own folder is missing", filepath.Join(dir, "missing", "dbsep.conf"), perl},
		{"its own file cannot be looked at", filepath.Join(there, "dbsep.conf"), filepath.Join(there, "dbsep.conf")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := usualFile(test.own, perl); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestEnvironmentNamesTheConfiguration(t *testing.T) {
	t.Setenv("DBSEP_CONF", "/srv/dbsep.conf")
	if got := Path(); got != "/srv/dbsep.conf" {
		t.Errorf("got %s", got)
	}
}

func TestVersion(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "a.conf"), filepath.Join(dir, "b.conf")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	version := func(file string) string {
		t.Helper()
		v, err := Version(file)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	write(file, "dsn=one")
	first := version(file)
	if again := version(file); again != first {
		t.Errorf("%s, then %s without a change", first, again)
	}
	link := filepath.Join(dir, "link.conf")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if through := version(link); through != first {
		t.Errorf("%s, and %s through a link", first, through)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	write(other, "dsn=one")
	if err := os.Chtimes(other, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if version(other) == first {
		t.Error("another file with the same size and time has the same version")
	}
	write(file, "dsn=two, which is longer")
	if version(file) == first {
		t.Error("a change keeps the version")
	}
	if _, err := Version(filepath.Join(dir, "missing.conf")); err == nil {
		t.Error("a missing file has a version")
	}
}
