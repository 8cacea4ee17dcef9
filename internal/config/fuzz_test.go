package config_test

import (
	"errors"
	"strings"
	"testing"

	"dbsep/internal/config"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse puts a password into any file and checks what must hold in all
// of them.
func FuzzParse(f *testing.F) {
	for _, password := range []string{"secret", `p#a;s "w"`, "cGxhaW4==", "`tick", `"""x`, "%(dsn)s", "\\", "", " ", "=", "\xa0"} {
		f.Add("dsn=DBI:mysql:asterisk\ndbuser=asterisk\n", password, "[limits]\nmax_fields=12\n")
	}
	f.Add("\ufeffdsn = x\r\n[compat]\r\nsemicolons=raw\r\n", "'secret'", "dbpass=other\r\n")
	f.Add("[server\nlisten=:80\ndbusr=1\n", "listen", "what=ever\n[limits]\nmax_body_bytes=9\n")
	f.Add("dbpass `secret\n`=", "two # words", "\x00")
	f.Add("[a]b\n\"\"\"=`\n-=x\n", "${HOME}", "[]\n[DEFAULT]\ndsn=y")

	f.Fuzz(func(t *testing.T, before, password, after string) {
		if strings.ContainsAny(password, "\n\r\x00") {
			return // no password of one line
		}
		text := before + "\ndbpass=" + password + "\n" + after
		c, err := config.Parse("dbsep.conf", []byte(text))

		shape := before + "\ndbpass=" + shapeOf(password) + "\n" + after
		masked, maskedErr := config.Parse("dbsep.conf", []byte(shape))
		if diff := cmp.Diff(messages(masked, maskedErr), messages(c, err)); diff != "" {
			t.Errorf("the messages depend on the password (-any password +this one):\n%s", diff)
		}

		if err != nil {
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Errorf("the error is %T without a problem", err)
			}
			for _, p := range problems {
				if p.File == "" || p.Text == "" || p.Hint == "" {
					t.Errorf("a problem that does not help: %#v", p)
				}
			}
			return
		}
		if c.Line("dbpass") == 1+strings.Count(before, "\n")+1 && password == strings.Trim(password, " \t\v\f") && c.Password != password {
			t.Errorf("the password %q came back as %q", password, c.Password)
		}
		if len(c.Warnings) == 0 {
			if diff := cmp.Diff(asPerl(text), keys(c)); diff != "" {
				t.Errorf("without any warning, dbsep and the Perl script differ (-Perl +dbsep):\n%s", diff)
			}
		}
	})
}

// shapeOf hides a password but keeps what a warning may depend on: spaces and
// quotes at its ends and "=" at the last one.
func shapeOf(password string) string {
	core := strings.Trim(password, " \t\v\f")
	if core == "" {
		return password
	}
	lead, trail, _ := strings.Cut(password, core)
	mask := []byte(strings.Repeat("x", len(core)))
	for _, i := range []int{0, len(core) - 1} {
		if strings.IndexByte("\"'`=", core[i]) >= 0 {
			mask[i] = core[i]
		}
	}
	return lead + string(mask) + trail
}

// messages is all that Parse says.
func messages(c *config.Config, err error) string {
	if err != nil {
		return err.Error()
	}
	return config.Problems(c.Warnings).Error()
}

// asPerl reads a file as the Perl script did.
func asPerl(text string) perl {
	var p perl
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimRight(value, "=")
		switch strings.ToLower(key) {
		case "dsn":
			p.DSN = value
		case "dbuser":
			p.User, p.HasUser = value, true
		case "dbpass":
			p.Password, p.HasPassword = value, true
		case "dbschema":
			p.Schema = value
		}
	}
	return p
}
