package schema_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// A query is a request of Asterisk that finds some rows of many.
type query struct {
	table     string
	operation string   // multi if it is empty
	lookup    []string // names and values
}

// registrationQueries are those of a phone that registers, of one whose registration is
// refreshed, and of the contacts that expire.
var registrationQueries = []query{
	{"ps_endpoints", "single", []string{"id", "u500@pbx.example"}},
	{"ps_endpoints", "single", []string{"id", "u500"}},
	{"ps_domain_aliases", "single", []string{"id", "u500"}},
	{"ps_aors", "single", []string{"id", "u500"}},
	{"ps_auths", "single", []string{"id", "u500"}},
	{"ps_contacts", "", []string{"id LIKE", "u500^3B@%"}},
	{"ps_contacts", "single", []string{"id", "u500^3B@1"}},
	{"ps_contacts", "update", []string{"id", "u500^3B@1"}},
	{"ps_contacts", "destroy", []string{"id", "u500^3B@1"}},
	{"ps_contacts", "", []string{"expiration_time <=", "5"}},
	{"ps_endpoint_id_ips", "", []string{"endpoint", "u500"}},
}

// otherQueries are those of calls, queues, voicemail and the rest.
var otherQueries = []query{
	{"ps_subscription_persistence", "single", []string{"tag", "u500"}},
	{"ps_registrations", "single", []string{"id", "u500"}},
	{"extensions", "single", []string{"exten", "u500", "priority", "1", "context", "c5"}},
	{"extensions", "", []string{"exten LIKE", `\_%`, "priority", "1", "context", "c5"}},
	{"queues", "single", []string{"name", "u500"}},
	{"queue_members", "", []string{"interface LIKE", "%", "queue_name", "q5"}},
	{"queue_members", "update", []string{"uniqueid", "5"}},
	{"voicemail", "single", []string{"mailbox", "u500", "context", "c5"}},
	{"voicemail", "single", []string{"mailbox", "u500"}},
	{"voicemail", "update", []string{"mailbox", "u500", "context", "c5"}},
	{"voicemail_data", "update", []string{"filename", "u500"}},
	{"iaxfriends", "single", []string{"name", "u500", "host", "dynamic"}},
	{"iaxfriends", "single", []string{"name", "u500"}},
	{"iaxfriends", "single", []string{"ipaddr", "u500", "port", "4569"}},
	{"musiconhold", "single", []string{"name", "u500"}},
	{"musiconhold_entry", "", []string{"position >=", "0", "name", "m5"}},
	{"followme", "single", []string{"name", "u500"}},
	{"followme_numbers", "", []string{"ordinal LIKE", "%", "name", "f5"}},
	{"acls", "", []string{"name", "a5"}},
	{"minivm", "single", []string{"username", "u500", "domain", "d5"}},
	{"ast_config", "", []string{"filename", "f5.conf", "commented", "0"}},
}

// fillRows are so many that no plan reads all of them.
const fillRows = 3000

// fills are the rows of each table: its columns, and their values. Each GROUP has several
// rows.
var fills = []struct{ table, columns, values string }{
	{"ps_endpoints", "id", "'uNUMBER'"},
	{"ps_domain_aliases", "id", "'uNUMBER'"},
	{"ps_aors", "id", "'uNUMBER'"},
	{"ps_auths", "id", "'uNUMBER'"},
	{"ps_contacts", "id, expiration_time, uri", "'uNUMBER^3B@1', NUMBER, 'sip:uNUMBER@192.0.2.1'"},
	{"ps_endpoint_id_ips", "id, endpoint", "'uNUMBER', 'uNUMBER'"},
	{"ps_subscription_persistence", "id, tag", "'uNUMBER', 'uNUMBER'"},
	{"ps_registrations", "id", "'uNUMBER'"},
	{"extensions", "context, exten, priority, app", "'cGROUP', 'uNUMBER', 1, 'NoOp'"},
	{"queues", "name", "'uNUMBER'"},
	{"queue_members", "queue_name, interface", "'qGROUP', 'Local/NUMBER'"},
	{"voicemail", "mailbox, context, password", "'uNUMBER', 'cGROUP', '1'"},
	{"voicemail_data", "filename", "'uNUMBER'"},
	{"iaxfriends", "name, host, ipaddr, port", "'uNUMBER', 'dynamic', 'uNUMBER', 4569"},
	{"musiconhold", "name", "'uNUMBER'"},
	{"musiconhold_entry", "name, position, entry", "'mGROUP', NUMBER, 'x'"},
	{"followme", "name", "'uNUMBER'"},
	{"followme_numbers", "name, ordinal, phonenumber", "'fGROUP', NUMBER, '1'"},
	{"acls", "name, sense, rule", "'aGROUP', 'permit', '1'"},
	{"minivm", "username, domain", "'uNUMBER', 'dGROUP'"},
	{"ast_config", "filename, var_name, var_val", "'fGROUP.conf', 'a', 'b'"},
}

// analyze makes each database count the rows of its tables.
var analyze = map[string]string{"sqlite": "ANALYZE", "mysql": "ANALYZE TABLE ", "postgresql": "ANALYZE"}

// TestQueriesUseIndexes reads the plan of each query of Asterisk that finds some rows, on
// tables that are full.
func TestQueriesUseIndexes(t *testing.T) {
	for name, open := range sites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.exec(t, printed(t, name, "22"))
			for _, f := range fills {
				rows := []string{}
				for n := range fillRows {
					rows = append(rows, "("+strings.NewReplacer("NUMBER", strconv.Itoa(n), "GROUP", strconv.Itoa(n%100)).Replace(f.values)+")")
				}
				s.exec(t, "INSERT INTO "+f.table+" ("+f.columns+") VALUES "+strings.Join(rows, ", "))
				if name == "mysql" {
					s.exec(t, analyze[name]+f.table)
				}
			}
			if name != "mysql" {
				s.exec(t, analyze[name])
			}
			db := s.open(t)
			for _, q := range append(registrationQueries, otherQueries...) {
				if statement, plan := planOf(t, db, q); plan.Scans {
					t.Errorf("%s %q of %s reads all rows:\n%s\n%s", q.operation, q.lookup, q.table, statement, strings.Join(plan.Lines, "\n"))
				}
			}
			// What has to read all rows is noticed.
			if _, plan := planOf(t, db, query{"ps_contacts", "", []string{"user_agent", "x"}}); !plan.Scans {
				t.Errorf("a query without an index has the plan\n%s", strings.Join(plan.Lines, "\n"))
			}
		})
	}
}

// planOf is the statement of a query, and how a database runs it.
func planOf(t *testing.T, db *database.DB, q query) (text string, plan database.Plan) {
	t.Helper()
	table, err := db.Describe(t.Context(), q.table)
	check(t, err)
	var fields []sqlgen.Field
	for pair := range slices.Chunk(q.lookup, 2) {
		fields = append(fields, sqlgen.Field{Name: pair[0], Value: pair[1]})
	}
	var statement sqlgen.Statement
	switch q.operation {
	case "single":
		statement, err = sqlgen.Single(db.Dialect(), table, fields)
	case "update":
		values := []sqlgen.Field{{Name: table.Columns[1].Name, Value: "1"}}
		statement, err = sqlgen.Update(db.Dialect(), table, fields, values)
	case "destroy":
		statement, err = sqlgen.Destroy(db.Dialect(), table, fields)
	default:
		statement, err = sqlgen.Multi(db.Dialect(), table, fields)
	}
	check(t, err)
	plan, err = db.Plan(t.Context(), statement, q.operation == "update" || q.operation == "destroy")
	if err != nil {
		t.Fatalf("%s: %v", statement.SQL, err)
	}
	return statement.SQL, plan
}
