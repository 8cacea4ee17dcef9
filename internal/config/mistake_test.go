package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/config"

	"github.com/google/go-cmp/cmp"
)

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	const text = `listen=0.0.0.0:80
dsn=DBI:mysql:asterisk
dbusr=a warning, which must not be among them

[server]
liste=127.0.0.1:8000
port 8000
max_body_bytes=4M

[limits
read_timeout=fast
max_fields=many
[compat]
semicolons=enocde
Anything At All=1
[database] max_connections=4
`
	const want = `etc/dbsep.conf:1: listen: the setting belongs in another section; move the line below [server]
etc/dbsep.conf:6: liste: [server] has no such setting; did you mean listen?
etc/dbsep.conf:7: the line is neither name=value nor a comment; write name=value, or # in front of a comment
etc/dbsep.conf:8: max_body_bytes: the setting belongs in another section; move the line below [limits]
etc/dbsep.conf:10: the header of section limits is damaged; write [limits] alone on its line
etc/dbsep.conf:11: read_timeout: "fast" is no duration; give a number and a unit, ms, s, m or h, for example 10s; a number alone counts seconds
etc/dbsep.conf:12: max_fields: "many" is no number in range; give a whole number from 1 to 100000
etc/dbsep.conf:14: semicolons: "enocde" is no choice here; did you mean encode? give encode or raw
etc/dbsep.conf:15: [compat] has no such setting; remove the line
etc/dbsep.conf:16: the header of section database is damaged; write [database] alone on its line`

	_, err := config.Parse("etc/dbsep.conf", []byte(text))
	if err == nil {
		t.Fatal("no mistakes were found")
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var first config.Problem
	if !errors.As(err, &first) || first.Line != 1 {
		t.Errorf("errors.As found %+v, want the problem of line 1", first)
	}
}

func TestTextThatIsNoConfiguration(t *testing.T) {
	long := strings.Repeat("x", 16<<10)
	for name, test := range map[string]struct{ text, want string }{
		"a NUL byte":       {"dsn=x\ndbpass=\x00\n", "dbsep.conf:2: a NUL byte"},
		"UTF-16":           {"\xff\xfed\x00s\x00n\x00", "dbsep.conf:1: the file is in UTF-16"},
		"a very long line": {"dsn=x\ndbpass=" + long + "\n", "dbsep.conf:2: the line is longer than 16384 bytes"},
		"a huge file":      {strings.Repeat("# "+long[:98]+"\n", 1<<14), "dbsep.conf: the file is larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, mistakes(t, test.text), []string{test.want}) })
	}
}

func TestLine(t *testing.T) {
	c := parse(t, "# comment\ndsn=x\n\n[server]\ndbpass=one\n DBPass = two\nlisten=:80\n")
	for key, want := range map[string]int{"dsn": 2, "DSN": 2, "dbpass": 6, "dbuser": 0, "listen": 7, "nonsense": 0} {
		if got := c.Line(key); got != want {
			t.Errorf("Line(%q) = %d, want %d", key, got, want)
		}
	}
	var empty config.Config
	if got := empty.Line("dsn"); got != 0 {
		t.Errorf("Line of an empty Config = %d, want 0", got)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "dbsep.conf")
	if err := os.WriteFile(file, []byte("dsn=x\nfoo=bar\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if c.File != file || c.DSN != "x" || c.Warnings[0].File != file {
		t.Errorf("Load = %+v", c)
	}

	huge := filepath.Join(dir, "huge.conf")
	if err := os.WriteFile(huge, []byte(strings.Repeat("# more\n", 1<<18)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ file, text, remedy string }{
		"no name":     {"", "no configuration file is named", "DBSEP_CONF"},
		"no file":     {filepath.Join(dir, "none.conf"), "there is no such file", "dbsep.conf.sample"},
		"a directory": {dir, "the file cannot be read: is a directory", "--config"},
		"a huge file": {huge, "larger than 1 MiB", "name the right file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(test.file)
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) != 1 {
				t.Fatalf("Load = %v, want one problem", err)
			}
			p := problems[0]
			if p.File != test.file || !strings.Contains(p.Text, test.text) || !strings.Contains(p.Remedy, test.remedy) {
				t.Errorf("Load = %v", p)
			}
		})
	}
}

func TestProblemText(t *testing.T) {
	for want, p := range map[string]config.Problem{
		"f:3: key: text; remedy": {File: "f", Line: 3, Key: "key", Text: "text", Remedy: "remedy"},
		"f: text":                {File: "f", Text: "text"},
		"key: text":              {Line: 3, Key: "key", Text: "text"},
	} {
		if got := p.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
}
