package main

import (
	"slices"
	"strings"
	"testing"

	"dbsep/internal/pgtest"
)

// TestTablesOfOtherSchemasAreReported follows what dbsep check recommends.
func TestTablesOfOtherSchemasAreReported(t *testing.T) {
	server := pgtest.Start(t)
	name := server.Database(t)
	db := server.Open(t, name)
	for _, statement := range []string{
		"CREATE SCHEMA voice", "CREATE SCHEMA queues", "CREATE TABLE public.queues (name text)", "CREATE TABLE voice.ps_systems (id text)", "CREATE TABLE voice.ps_globals (id text)",
		`CREATE TABLE queues."QUEUE_RULES" (rule_name text)`, "CREATE TABLE queues.queues (name text)", "CREATE TABLE queues.nothing_of_asterisk (name text)",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	conf := func(options, settings string) string {
		return writeConf(t, "dsn=DBI:Pg:dbname=%s;host=%s;port=%d%s\ndbuser=%s\ndbpass=%s\n%s", name, server.SocketDir, server.Port, options, server.User, server.Password, settings)
	}
	found := func(conf string) (texts []string) {
		warnings, _ := check(t, conf, server.User)
		for _, w := range warnings {
			texts = append(texts, strings.TrimPrefix(w.Error(), conf+":"))
		}
		return texts
	}
	const fix = ": add it to search_path, in dsn or by ALTER ROLE, or name it in dbschema"
	inVoice := "1: dsn: no request finds ps_systems, ps_globals; found in the schema voice" + fix
	inQueues := "1: dsn: no request finds queue_rules; found in the schema queues" + fix
	for _, c := range []struct {
		name, conf string
		want       []string
	}{
		{"by default", conf("", ""), []string{inQueues, inVoice}},
		{"one of them in search_path", conf(";options='-c search_path=public,voice'", ""), []string{inQueues}},
		{"all in search_path", conf(";options='-c search_path=public,voice,queues'", ""), nil},
		{"dbschema, as with a schema for each tenant", conf("", "dbschema=voice\n"), nil},
		{"several in dbschema", conf("", "dbschema=voice,public\n"), []string{
			"4: dbschema: is the name of one schema, also with a comma; name several with options='-c search_path=...' in dsn, and remove dbschema",
			"1: dsn: there is no table; correct the database in dsn, or dbschema, which the Perl script used for nothing but require"}},
	} {
		if got := found(c.conf); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}
