package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dbsep/internal/config"
)

const fileBelow = "dsn=DBI:mysql:a\ndbpass=file\n[log]\nslow=nonsense\n[limits]\nmax_rows=5\n"

func TestVariablesTakeThePlaceOfLines(t *testing.T) {
	c, err := config.Parse("dbsep.conf", []byte(fileBelow), "DBSEP_DBPASS=a=b ", "DBSEP_LOG_SLOW=3s", "DBSEP_DBUSER=",
		"DBSEP_COMPAT_STORE_DUPLICATE=replace", "HOME=/root", "dbsep_log_slow=9s",
		// None of these is a setting.
		"DBSEP_CONF=x", "DBSEP_SERVICE_HOST=10.0.0.1", "DBSEP_SERVICE_PORT_HTTP=80", "DBSEP_PORT=tcp://10.0.0.1:80", "DBSEP_PORT_80_TCP_ADDR=10.0.0.1", "DBSEP_E2E=full", "DBSEP_TEST_MYSQL=x")
	if err != nil {
		t.Fatal(err)
	}
	if c.DSN != "DBI:mysql:a" || c.Password != "a=b " || c.Log.Slow != 3*time.Second || !c.HasUser || c.User != "" || c.Limits.MaxRows != 5 || c.Compat.StoreDuplicate != "replace" {
		t.Errorf("got %+v", c)
	}
	for _, place := range []struct {
		key      string
		line     int
		variable string
	}{
		{"dsn", 1, ""}, {"dbpass", 0, "DBSEP_DBPASS"}, {"slow", 0, "DBSEP_LOG_SLOW"}, {"max_rows", 6, ""}, {"max_fields", 0, ""},
	} {
		if line, variable := c.Line(place.key), c.Variable(place.key); line != place.line || variable != place.variable || c.Has(place.key) != (line > 0 || variable != "") {
			t.Errorf("%s is set in line %d, variable %q", place.key, line, variable)
		}
	}
}

func TestMistakesInVariables(t *testing.T) {
	for _, test := range []struct{ name, variable, want string }{
		{"a bad value", "DBSEP_LOG_LEVEL=loud", `DBSEP_LOG_LEVEL: "loud" is`},
		{"an empty value", "DBSEP_LIMITS_MAX_ROWS=", `DBSEP_LIMITS_MAX_ROWS: the value is empty; unset the variable to use the default`},
		{"a value that needs another", "DBSEP_SERVER_CLIENT_CA=/ca.pem", "DBSEP_SERVER_CLIENT_CA: client certificates need TLS"},
		{"a misspelt name", "DBSEP_SERVER_LISTN=x", "DBSEP_SERVER_LISTN: no setting has this environment variable; did you mean DBSEP_SERVER_LISTEN?"},
		{"a name without its section", "DBSEP_LISTEN=x", "DBSEP_LISTEN: no setting has this environment variable; remove it; the name is DBSEP_SECTION_KEY, for example DBSEP_SERVER_LISTEN"},
		{"a misspelt key of the Perl script", "DBSEP_DBPAS=hush", "DBSEP_DBPAS: no setting has this environment variable; did you mean DBSEP_DBPASS?"},
		{"a key of the Perl script with a section", "DBSEP_DATABASE_DSN=hush", "DBSEP_DATABASE_DSN: no setting has this environment variable; remove it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := config.Parse("dbsep.conf", nil, test.variable)
			if problem, ok := errors.AsType[config.Problem](err); !ok || !strings.HasPrefix(problem.Error(), test.want) || strings.Contains(problem.Error(), "hush") {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestVariablesHaveDifferentNames shows that no two settings have the same variable, and none
// that of something else.
func TestVariablesHaveDifferentNames(t *testing.T) {
	for _, s := range config.Settings() {
		c, err := config.Parse("", nil, s.Variable()+"=nonsense \x01")
		if err == nil && c.Variable(s.Key) != s.Variable() {
			t.Errorf("%s does not set %s but nothing", s.Variable(), s.Key)
		}
		if problem, ok := errors.AsType[config.Problem](err); ok && problem.Key != s.Variable() {
			t.Errorf("a mistake in %s is reported as %v", s.Variable(), err)
		}
	}
}
