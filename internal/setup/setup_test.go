package setup

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
	if got := ConfigFile(); got != "/srv/dbsep.conf" {
		t.Errorf("got %s", got)
	}
}
