package schema_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/asterisk"
	"dbsep/internal/database"
	"dbsep/internal/inspect"
	"dbsep/internal/schema"
)

func (s site) open(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.Open(s.source)
	check(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// configuration writes a dbsep.conf for the site.
func (s site) configuration(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dbsep.conf")
	lines := fmt.Sprintf("dsn=%s\ndbuser=%s\ndbpass=%s\n", s.source.DSN, s.source.User, s.source.Password)
	check(t, os.WriteFile(file, []byte(lines), 0o600))
	return file
}

// compare finds what a site lacks of a version's tables.
func (s site) compare(t *testing.T, db *database.DB, version string, groups ...string) *schema.Plan {
	t.Helper()
	r, _, err := asterisk.FindRelease(version)
	check(t, err)
	tables, err := asterisk.Tables(r, groups...)
	check(t, err)
	p, err := schema.Compare(t.Context(), db, s.source.Schema, tables)
	check(t, err)
	return p
}

func text(t *testing.T, p *schema.Plan) string {
	t.Helper()
	var w strings.Builder
	check(t, p.Write(&w))
	return w.String()
}

func (s site) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := s.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (s site) count(t *testing.T, query string) (n int) {
	t.Helper()
	check(t, s.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// TestMissingTablesAreMade makes the tables of a version, of which nothing is missing then,
// also when they were made of the printed script.
func TestMissingTablesAreMade(t *testing.T) {
	for name, make := range sites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := make(t)
			db := s.open(t)
			p := s.compare(t, db, "22")
			tables, others := p.NewTables()
			if len(p.Tables()) != 35 || others != 0 {
				t.Errorf("it lacks %d tables, and %d other things", len(p.Tables()), others)
			}
			check(t, tables.Apply(t.Context()))
			if p := s.compare(t, db, "22"); !p.Empty() {
				t.Errorf("after they were made it lacks\n%s", text(t, p))
			}
			if report := inspect.Check(t.Context(), s.configuration(t), inspect.Options{Asterisk: "22"}); len(report.Findings) > 0 {
				t.Errorf("dbsep check finds %+v", report.Findings)
			}
			other := make(t)
			other.exec(t, printed(t, name, "22"))
			if p := other.compare(t, other.open(t), "22"); !p.Empty() {
				t.Errorf("after they were printed it lacks\n%s", text(t, p))
			}
		})
	}
}

// TestTablesAreUpgraded upgrades the tables of the oldest release to those of the newest, with
// rows, which stay as they are.
func TestTablesAreUpgraded(t *testing.T) {
	for name, make := range sites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := make(t)
			s.exec(t, printed(t, name, "16.0.0"),
				"INSERT INTO ps_endpoints (id, aors, direct_media) VALUES ('alice', 'alice', 'yes')",
				"INSERT INTO ps_contacts (id, uri) VALUES ('alice;@1', 'sip:alice@192.0.2.1')",
				"CREATE TABLE other (a INTEGER)")
			db := s.open(t)
			p := s.compare(t, db, "development")
			sql := text(t, p)
			for _, unwanted := range []string{"DROP", "DELETE", "UPDATE ", "other"} {
				if strings.Contains(sql, unwanted) {
					t.Errorf("the plan has %s in\n%s", unwanted, sql)
				}
			}
			for _, wanted := range []string{"-- ps_contacts: qualify_2xx_only is missing\n", "-- musiconhold_entry: the table is missing\n"} {
				if !strings.Contains(sql, wanted) {
					t.Errorf("the plan has no %s in\n%s", wanted, sql)
				}
			}
			check(t, p.Apply(t.Context()))
			if p := s.compare(t, db, "development"); !p.Empty() {
				t.Errorf("afterwards it lacks\n%s", text(t, p))
			}
			if n := s.count(t, "SELECT COUNT(*) FROM ps_endpoints WHERE id = 'alice' AND aors = 'alice' AND direct_media = 'yes'"); n != 1 {
				t.Errorf("%d rows of the endpoint", n)
			}
			if n := s.count(t, "SELECT COUNT(*) FROM ps_contacts WHERE id = 'alice;@1' AND uri = 'sip:alice@192.0.2.1' AND qualify_2xx_only IS NULL"); n != 1 {
				t.Errorf("%d rows of the contact", n)
			}
			// What is of a newer release is no fault.
			if p := s.compare(t, db, "16.0.0"); !p.Empty() {
				t.Errorf("it lacks of an older release\n%s", text(t, p))
			}
		})
	}
}

// differences are between the printed tables and those that people and Asterisk's alembic
// scripts make, by database.
var differences = map[string]struct {
	change map[string][]string // of a printed table
	want   map[string]string   // the plan
	byHand bool                // something is left afterwards
}{
	"a column is missing": {
		change: map[string][]string{
			"sqlite":     {"ALTER TABLE ps_contacts DROP COLUMN qualify_2xx_only"},
			"mysql":      {"ALTER TABLE ps_contacts DROP COLUMN qualify_2xx_only"},
			"postgresql": {"ALTER TABLE ps_contacts DROP COLUMN qualify_2xx_only"},
		},
		want: map[string]string{
			"sqlite":     "-- ps_contacts: qualify_2xx_only is missing\nALTER TABLE `ps_contacts` ADD COLUMN `qualify_2xx_only` VARCHAR(40);\n",
			"mysql":      "-- ps_contacts: qualify_2xx_only is missing\nALTER TABLE `ps_contacts` ADD COLUMN `qualify_2xx_only` VARCHAR(64);\n",
			"postgresql": "-- ps_contacts: qualify_2xx_only is missing\nALTER TABLE \"public\".\"ps_contacts\" ADD COLUMN \"qualify_2xx_only\" VARCHAR(40);\n",
		},
	},
	"a text is too narrow, with its character set, comment and default": {
		change: map[string][]string{
			"mysql": {"ALTER TABLE ps_contacts MODIFY COLUMN reg_server VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'it''s' COMMENT 'a ''server'''"},
			"postgresql": {
				"ALTER TABLE ps_contacts ALTER COLUMN reg_server TYPE VARCHAR(20), ALTER COLUMN reg_server SET DEFAULT 'it''s', ALTER COLUMN reg_server SET NOT NULL",
			},
		},
		want: map[string]string{
			"mysql": "-- ps_contacts: reg_server holds 20 characters, and Asterisk may store 255\n" +
				"ALTER TABLE `ps_contacts` MODIFY COLUMN `reg_server` VARCHAR(255) CHARACTER SET latin1 COLLATE latin1_bin COMMENT 'a ''server''' NOT NULL DEFAULT 'it''s';\n",
			"postgresql": "-- ps_contacts: reg_server holds 20 characters, and Asterisk may store 255\n" +
				"ALTER TABLE \"public\".\"ps_contacts\" ALTER COLUMN \"reg_server\" TYPE VARCHAR(255);\n",
		},
	},
	"an enumeration lacks words": {
		change: map[string][]string{
			"mysql": {"ALTER TABLE ps_contacts MODIFY COLUMN prune_on_boot ENUM('yes','no')"},
			"postgresql": {
				"CREATE TYPE yesno AS ENUM ('yes', 'no')",
				"ALTER TABLE ps_contacts ALTER COLUMN prune_on_boot TYPE yesno USING CAST(prune_on_boot AS yesno)",
				"ALTER TABLE ps_contacts ALTER COLUMN authenticate_qualify TYPE yesno USING CAST(authenticate_qualify AS yesno)",
			},
		},
		want: map[string]string{
			"mysql": "-- ps_contacts: prune_on_boot does not take 0, 1, off, on, false, true\n" +
				"ALTER TABLE `ps_contacts` MODIFY COLUMN `prune_on_boot` ENUM('yes','no','0','1','off','on','false','true') CHARACTER SET utf8mb4 COLLATE COLLATION;\n",
			"postgresql": "-- ps_contacts: authenticate_qualify does not take 0, 1, off, on, false, true\n" +
				"ALTER TYPE public.yesno ADD VALUE IF NOT EXISTS '0';\nALTER TYPE public.yesno ADD VALUE IF NOT EXISTS '1';\n" +
				"ALTER TYPE public.yesno ADD VALUE IF NOT EXISTS 'off';\nALTER TYPE public.yesno ADD VALUE IF NOT EXISTS 'on';\n" +
				"ALTER TYPE public.yesno ADD VALUE IF NOT EXISTS 'false';\nALTER TYPE public.yesno ADD VALUE IF NOT EXISTS 'true';\n",
		},
	},
	"a number is too narrow": {
		change: map[string][]string{
			"mysql":      {"ALTER TABLE ps_contacts MODIFY COLUMN expiration_time INT"},
			"postgresql": {"ALTER TABLE ps_contacts ALTER COLUMN expiration_time TYPE INTEGER"},
		},
		want: map[string]string{
			"mysql": "-- ps_contacts: expiration_time has 4 bytes, and Asterisk may store 8\n" +
				"ALTER TABLE `ps_contacts` MODIFY COLUMN `expiration_time` BIGINT;\n",
			"postgresql": "-- ps_contacts: expiration_time has 4 bytes, and Asterisk may store 8\n" +
				"ALTER TABLE \"public\".\"ps_contacts\" ALTER COLUMN \"expiration_time\" TYPE BIGINT;\n",
		},
	},
	"a time drops fractions": {
		change: map[string][]string{
			"mysql":      {"ALTER TABLE queue_log MODIFY COLUMN time DATETIME"},
			"postgresql": {"ALTER TABLE queue_log ALTER COLUMN time TYPE TIMESTAMP(0)"},
		},
		want: map[string]string{
			"mysql": "-- queue_log: time drops fractions of a second, which Asterisk stores\n" +
				"ALTER TABLE `queue_log` MODIFY COLUMN `time` DATETIME(6);\n",
			"postgresql": "-- queue_log: time drops fractions of a second, which Asterisk stores\n" +
				"ALTER TABLE \"public\".\"queue_log\" ALTER COLUMN \"time\" TYPE TIMESTAMP;\n",
		},
	},
	"a column that Asterisk leaves out must not be NULL": {
		change: map[string][]string{
			"mysql":      {"ALTER TABLE ps_contacts MODIFY COLUMN via_port INTEGER NOT NULL"},
			"postgresql": {"ALTER TABLE ps_contacts ALTER COLUMN via_port SET NOT NULL"},
		},
		want: map[string]string{
			"mysql": "-- ps_contacts: via_port must not be NULL and has no default, and Asterisk may leave it out\n" +
				"ALTER TABLE `ps_contacts` MODIFY COLUMN `via_port` int;\n",
			"postgresql": "-- ps_contacts: via_port must not be NULL and has no default, and Asterisk may leave it out\n" +
				"ALTER TABLE \"public\".\"ps_contacts\" ALTER COLUMN \"via_port\" DROP NOT NULL;\n",
		},
	},
	"a default is missing": {
		change: map[string][]string{
			"sqlite":     {"DROP TABLE ast_config", "CREATE TABLE ast_config (id INTEGER PRIMARY KEY, cat_metric INTEGER NOT NULL, var_metric INTEGER, commented INTEGER, filename VARCHAR(128), category VARCHAR(128), var_name VARCHAR(128), var_val TEXT)", "CREATE INDEX a ON ast_config (filename)"},
			"mysql":      {"ALTER TABLE ast_config ALTER COLUMN category DROP DEFAULT"},
			"postgresql": {"ALTER TABLE ast_config ALTER COLUMN category DROP DEFAULT"},
		},
		want: map[string]string{
			"sqlite": "", // which cannot be changed
			"mysql": "-- ast_config: category must not be NULL and has no default, and rows are written without it\n" +
				"ALTER TABLE `ast_config` ALTER COLUMN `category` SET DEFAULT 'default';\n",
			"postgresql": "-- ast_config: category must not be NULL and has no default, and rows are written without it\n" +
				"ALTER TABLE \"public\".\"ast_config\" ALTER COLUMN \"category\" SET DEFAULT 'default';\n",
		},
	},
	"a definition has parts that would be dropped": {
		change: map[string][]string{
			"mysql": {`ALTER TABLE ps_contacts MODIFY COLUMN reg_server VARCHAR(20) COMMENT 'a \\ b'`},
			"postgresql": {
				"CREATE TYPE yesno AS ENUM ('yes', 'no')",
				"ALTER TABLE ps_contacts ALTER COLUMN reg_server TYPE yesno USING NULL",
				"ALTER TABLE ps_contacts ALTER COLUMN reg_server SET DEFAULT 'no'",
			},
		},
		want: map[string]string{
			"mysql": "-- ps_contacts: reg_server holds 20 characters, and Asterisk may store 255: " +
				"change it by hand, since its definition has parts that dbsep would drop\n",
			"postgresql": "-- ps_contacts: reg_server takes only some words, and Asterisk may store others: " +
				"change it by hand, since its default is of the old type\n",
		},
		byHand: true,
	},
	"an enumeration in place of any text": {
		change: map[string][]string{
			"mysql": {"ALTER TABLE ps_contacts MODIFY COLUMN via_addr ENUM('a','b''c') CHARACTER SET latin1"},
			"postgresql": {
				"CREATE TYPE yesno AS ENUM ('yes', 'no')",
				"ALTER TABLE ps_contacts ALTER COLUMN via_addr TYPE yesno USING NULL",
			},
		},
		want: map[string]string{
			"mysql": "-- ps_contacts: via_addr takes only some words, and Asterisk may store others\n" +
				"ALTER TABLE `ps_contacts` MODIFY COLUMN `via_addr` VARCHAR(64) CHARACTER SET latin1 COLLATE latin1_swedish_ci;\n",
			"postgresql": "-- ps_contacts: via_addr takes only some words, and Asterisk may store others\n" +
				"ALTER TABLE \"public\".\"ps_contacts\" ALTER COLUMN \"via_addr\" TYPE VARCHAR(40) USING CAST(\"via_addr\" AS text);\n",
		},
	},
	"the primary key is missing": {
		change: map[string][]string{
			"mysql":      {"ALTER TABLE ps_contacts DROP PRIMARY KEY, MODIFY COLUMN id VARCHAR(255), ADD UNIQUE (id, reg_server)"},
			"postgresql": {"ALTER TABLE ps_contacts DROP CONSTRAINT ps_contacts_pkey, ALTER COLUMN id DROP NOT NULL, ADD UNIQUE (id, reg_server)"},
		},
		want: map[string]string{
			"mysql":      "-- ps_contacts: no key of id\nALTER TABLE `ps_contacts` ADD PRIMARY KEY (`id`);\n",
			"postgresql": "-- ps_contacts: no key of id\nALTER TABLE \"public\".\"ps_contacts\" ADD PRIMARY KEY (\"id\");\n",
		},
	},
	"rows are equal in the key that is missing": {
		change: map[string][]string{
			"mysql":      {"ALTER TABLE ps_contacts DROP PRIMARY KEY", "INSERT INTO ps_contacts (id) VALUES ('a'), ('a')"},
			"postgresql": {"ALTER TABLE ps_contacts DROP CONSTRAINT ps_contacts_pkey", "INSERT INTO ps_contacts (id) VALUES ('a'), ('a')"},
			"sqlite":     {"ALTER TABLE extensions RENAME TO old", "CREATE TABLE extensions AS SELECT * FROM old", "INSERT INTO extensions (id, context, exten, priority) VALUES (1, 'a', 'b', 1), (2, 'a', 'b', 1)"},
		},
		want: map[string]string{
			"mysql":      "-- ps_contacts: no key of id, and some rows have the same values there, or none: correct them, and compare again\n",
			"postgresql": "-- ps_contacts: no key of id, and some rows have the same values there, or none: correct them, and compare again\n",
			"sqlite": "-- extensions: no key of id\nCREATE UNIQUE INDEX `extensions_id_key` ON `extensions` (`id`);\n\n" +
				"-- extensions: no key of context, exten, priority, and some rows have the same values there, or none: correct them, and compare again\n",
		},
		byHand: true,
	},
	"indexes are missing": {
		change: map[string][]string{
			"sqlite":     {"DROP INDEX ps_contacts_id_like", "DROP INDEX ps_contacts_expiration_time"},
			"mysql":      {"DROP INDEX ps_contacts_expiration_time ON ps_contacts"},
			"postgresql": {"DROP INDEX ps_contacts_id_like", "DROP INDEX ps_contacts_expiration_time"},
		},
		want: map[string]string{
			"sqlite": "-- ps_contacts: no index of expiration_time\nCREATE INDEX `ps_contacts_expiration_time` ON `ps_contacts` (`expiration_time`);\n\n" +
				"-- ps_contacts: no index of id that LIKE can use\nCREATE INDEX `ps_contacts_id_like` ON `ps_contacts` (`id` COLLATE NOCASE);\n",
			"mysql": "-- ps_contacts: no index of expiration_time\nCREATE INDEX `ps_contacts_expiration_time` ON `ps_contacts` (`expiration_time`);\n",
			"postgresql": "-- ps_contacts: no index of expiration_time\nCREATE INDEX \"ps_contacts_expiration_time\" ON \"public\".\"ps_contacts\" (\"expiration_time\");\n\n" +
				"-- ps_contacts: no index of id that LIKE can use\nCREATE INDEX \"ps_contacts_id_like\" ON \"public\".\"ps_contacts\" (\"id\" text_pattern_ops);\n",
		},
	},
	"a counted column is missing": {
		change: map[string][]string{
			"sqlite":     {"ALTER TABLE cdr RENAME TO old", "CREATE TABLE cdr AS SELECT * FROM old", "ALTER TABLE cdr DROP COLUMN id"},
			"mysql":      {"ALTER TABLE cdr DROP COLUMN id"},
			"postgresql": {"ALTER TABLE cdr DROP COLUMN id"},
		},
		want: map[string]string{
			"sqlite":     "-- cdr: id is missing, and cannot be added to a table that has rows: make a new one (dbsep schema print), and copy the rows\n",
			"mysql":      "-- cdr: id is missing\nALTER TABLE `cdr` ADD COLUMN `id` BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY;\n",
			"postgresql": "-- cdr: id is missing\nALTER TABLE \"public\".\"cdr\" ADD COLUMN \"id\" BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY;\n",
		},
	},
	"a view is what it is made of": {
		change: map[string][]string{
			"sqlite":     {"DROP TABLE ps_contacts", "CREATE VIEW ps_contacts AS SELECT 'a' AS id"},
			"mysql":      {"DROP TABLE ps_contacts", "CREATE VIEW ps_contacts AS SELECT 'a' AS id"},
			"postgresql": {"DROP TABLE ps_contacts", "CREATE VIEW ps_contacts AS SELECT 'a' AS id"},
		},
		want: map[string]string{"sqlite": "", "mysql": "", "postgresql": ""},
	},
	"keys of other columns of the same rows": {
		change: map[string][]string{
			"mysql":      {"ALTER TABLE queue_members DROP PRIMARY KEY, DROP INDEX uniqueid, ADD PRIMARY KEY (uniqueid)"},
			"postgresql": {"ALTER TABLE queue_members DROP CONSTRAINT queue_members_pkey, DROP CONSTRAINT queue_members_uniqueid_key, ADD PRIMARY KEY (uniqueid)"},
		},
		want: map[string]string{
			"mysql":      "-- queue_members: no key of queue_name, interface\nCREATE UNIQUE INDEX `queue_members_queue_name_interface_key` ON `queue_members` (`queue_name`, `interface`);\n",
			"postgresql": "-- queue_members: no key of queue_name, interface\nCREATE UNIQUE INDEX \"queue_members_queue_name_interface_key\" ON \"public\".\"queue_members\" (\"queue_name\", \"interface\");\n",
		},
	},
}

// TestDifferencesAreFoundAndFixed has a table for each kind of difference.
func TestDifferencesAreFoundAndFixed(t *testing.T) {
	for name, make := range sites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := make(t)
			collation := ""
			if name == "mysql" {
				check(t, s.QueryRowContext(t.Context(), "SELECT default_collate_name FROM information_schema.character_sets WHERE character_set_name = 'utf8mb4'").Scan(&collation))
			}
			for title, d := range differences {
				changes, ok := d.change[name]
				if !ok {
					continue
				}
				s := make(t)
				s.exec(t, printed(t, name, "22", "pjsip", "queues", "queue_log", "static", "cdr", "extensions"))
				s.exec(t, changes...)
				db := s.open(t)
				p := s.compare(t, db, "22", "pjsip", "queues", "queue_log", "static", "cdr", "extensions")
				want := strings.ReplaceAll(d.want[name], "COLLATION", collation)
				got := strings.ReplaceAll(text(t, p), "int(11)", "int") // MySQL has no widths of numbers
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", title, diff)
				}
				if err := p.Apply(t.Context()); err != nil {
					t.Errorf("%s: %v", title, err)
					continue
				}
				left := text(t, s.compare(t, db, "22", "pjsip", "queues", "queue_log", "static", "cdr", "extensions"))
				if strings.Contains(left, ";\n") || left != "" && p.HasStatements() && !d.byHand {
					t.Errorf("%s: afterwards it lacks\n%s", title, left)
				}
			}
		})
	}
}

// TestFailedChangesAreUndone makes a change fail after others have been made.
func TestFailedChangesAreUndone(t *testing.T) {
	for _, name := range []string{"sqlite", "postgresql"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sites[name](t)
			s.exec(t, "CREATE TABLE other (a INTEGER)", "CREATE INDEX queue_log_other ON other (a)", "CREATE INDEX followme_numbers_name_ordinal ON other (a)")
			db := s.open(t)
			err := s.compare(t, db, "22", "queue_log", "followme").Apply(t.Context())
			if err == nil || !strings.Contains(err.Error(), "nothing was changed") || !strings.Contains(err.Error(), "followme_numbers_name_ordinal") {
				t.Errorf("the error is %v", err)
			}
			if n := len(s.compare(t, db, "22", "queue_log", "followme").Tables()); n != 3 {
				t.Errorf("%d tables are missing", n)
			}
		})
	}
}

// TestTablesOfASchema makes them where dbschema says.
func TestTablesOfASchema(t *testing.T) {
	s := sites["postgresql"](t)
	s.exec(t, "CREATE SCHEMA pbx", "CREATE TABLE public.queue_log (a INTEGER)")
	s.source.Schema = "pbx"
	db := s.open(t)
	check(t, s.compare(t, db, "22", "queue_log", "followme").Apply(t.Context()))
	if n := s.count(t, "SELECT count(*) FROM pbx.queue_log"); n != 0 {
		t.Error(n)
	}
	if p := s.compare(t, db, "22", "queue_log", "followme"); !p.Empty() {
		t.Error(text(t, p))
	}
	s.source.Schema = "nowhere"
	r, _, _ := asterisk.FindRelease("22")
	tables, err := asterisk.Tables(r, "cdr")
	check(t, err)
	if _, err := schema.Compare(t.Context(), s.open(t), "nowhere", tables); err == nil || !strings.Contains(err.Error(), "no schema called nowhere") {
		t.Error(err)
	}
}

func TestNamesAreQuoted(t *testing.T) {
	s := sites["postgresql"](t)
	s.exec(t, `CREATE SCHEMA "p""b;x"`)
	s.source.Schema = `p"b;x`
	db := s.open(t)
	check(t, s.compare(t, db, "22", "followme").Apply(t.Context()))
	if n := s.count(t, `SELECT count(*) FROM "p""b;x".followme_numbers`); n != 0 {
		t.Error(n)
	}
}
