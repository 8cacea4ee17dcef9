package database_test

import (
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
)

func TestDSNProblems(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "is missing",
		"  ":                       "is missing",
		"somedsn":                  "is still the value of the sample file",
		"DBI::mysql:db":            "is not of the form",
		"mysql:db":                 "is not of the form",
		"DBI:mysql":                "is not of the form",
		"DBI:mysql(Password=>x:db": "is not of the form",
		"DBI:Oracle:asterisk":      "names the driver Oracle",
		"DBI:CSV:x":                "names the driver CSV",
	} {
		_, err := database.Open(database.Source{DSN: text})
		databasetest.WantProblems(t, text, err, want)
	}
	_, err := database.Open(database.Source{DSN: "DBI:CSV:x"})
	for _, name := range []string{"MariaDB", "Pg", "SQLite", "mysql"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not list %s", err, name)
		}
	}
	_, err = database.Open(database.Source{DSN: "DBI:Sybase:server=x"})
	if want := "use DBI:ODBC: with an ODBC driver of SQL Server, in the Debian package of dbsep or a build with -tags odbc"; !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// FuzzDSN opens what any DSN names: there is an error made of Problems or a
// database, never both, never a panic, and never the password.
func FuzzDSN(f *testing.F) {
	const secret = "s3cr3t-Pa55"
	for _, text := range []string{
		"somedsn", "DBI:mysql:db", "DBI:mysql:database=db;host=[::1];port=3306;user=u;password=" + secret,
		"DBI:mysql(Username=>u,Password=>" + secret + "):db:h:p", "DBI:MariaDB:db;mariadb_ssl=1;x=y", "DBI:SQLite:dbname=/nosuch?x#y%z",
		"DBI:SQLite:uri=file:/nosuch%2?mode=ro&x=%zz", "dbi:sqlite(ReadOnly=>1):file:///x", "DBI:mysql:db;mysql_init_command=SET x=1:h",
		"DBI:mysql:[[;]];=;==;:::", "DBI:(a=>b):", "DBI:mysql:;mysql_socket=", "DBI:mysql:db;port=-1;host=a b",
		"DBI:Pg:dbname=db;host=h,/s;port=1,;user=u;password=" + secret, "DBI:Pg:dbname=\"a b\";password='" + secret + "';sslmode=verify-full;sslrootcert=system",
		"DBI:Pg:password=a " + secret + "=b", "DBI:Pg:password=" + secret + " x;hostname=y", "DBI:Pg(Username=>u,Password=>" + secret + "):service=x;passfile=/dev/zero",
		"DBI:Pg:postgresql://u:" + secret + "@h/db?x=y", "DBI:Pg:dbname=\\", "DBI:Pg:hostaddr=::1,10.0.0.1;connect_timeout=-1;options='-c a=\\'b'", "DBI:Pg:port='" + secret,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		db, err := database.Open(database.Source{DSN: text, Password: secret})
		if (db == nil) == (err == nil) {
			t.Fatalf("%v, %v", db, err)
		}
		shown := ""
		if err != nil {
			shown = err.Error()
			for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
				if p, ok := e.(*database.Problem); !ok || p.Key == "" || p.Text == "" {
					t.Errorf("%#v is no Problem", e)
				}
			}
		} else {
			for _, w := range db.Warnings() {
				shown += w.Error()
			}
			shown += db.Address()
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
		// A name or a path may be anything, the secret as well. As a password it
		// must not be shown.
		named := strings.Contains(text, "password="+secret) || strings.Contains(text, "Password=>"+secret)
		if strings.Contains(shown, secret) && (!strings.Contains(text, secret) || named && strings.Count(text, secret) == 1) {
			t.Errorf("the password is told: %s", shown)
		}
	})
}
