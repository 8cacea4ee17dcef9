package speed

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/internal/testenv"
)

// phones is how many phones a site has. The baseline and requests.lua know it,
// too.
const phones = 50_000

// A site is a PBX's database, full of phones.
type site struct {
	*testenv.Site
	dsn string // as the baseline's driver wants it
	pid int    // of the database's server; 0: SQLite has none
}

const tables = "../../internal/replay/testdata/asterisk-"

// Which phones a site has, in SQL: everyone, or a thousand.
const (
	everyone = "1 = 1"
	some     = "a.d = 0 AND b.d = 0"
)

// sites makes a site of each kind.
var sites = []struct {
	kind string
	open func(t *testing.T, which string) *site
}{
	{"SQLite", openSQLite},
	{"MariaDB", openMariaDB},
	{"PostgreSQL", openPostgreSQL},
}

func openSQLite(t *testing.T, which string) *site {
	s := &site{Site: testenv.SQLite(t, tables+"sqlite.sql")}
	s.dsn = "file:" + s.Folder + "/site.db?mode=rw&_busy_timeout=5000&_synchronous=FULL" // as dbsep has it
	s.fill(t, which)
	return s
}

func openMariaDB(t *testing.T, which string) *site {
	server := mariadbtest.Start(t)
	// All that is read fits into memory, and each of many processes gets in.
	server.Exec(t, "SET GLOBAL innodb_buffer_pool_size = 268435456", "SET GLOBAL max_connections = 400")
	s := &site{Site: testenv.MariaDB(t, tables+"mysql.sql"), pid: server.Process.Pid()}
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = server.User, server.Password, "tcp", server.Address()
	c.ClientFoundRows = true
	check(t, s.DB.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&c.DBName))
	s.dsn = c.FormatDSN()
	s.fill(t, which)
	return s
}

func openPostgreSQL(t *testing.T, which string) *site {
	server := pgtest.Start(t)
	s := &site{Site: testenv.Postgres(t, tables+"pg.sql"), pid: server.Process.Pid()}
	var name string
	check(t, s.DB.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name))
	// Without TLS, as the others.
	s.Configure(t, fmt.Sprintf("dsn=DBI:Pg:dbname=%s;host=%s;port=%d;sslmode=disable", name, server.Host, server.Port))
	s.dsn = (&url.URL{
		Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Host: server.Address(),
		Path: "/" + name, RawQuery: "sslmode=disable",
	}).String()
	s.fill(t, which)
	return s
}

// endpoint is what a phone has in ps_endpoints, beside what fill gives it: a
// third of the columns, as a PBX's tables usually have.
var endpoint = [][2]string{
	{"transport", "'transport-udp'"}, {"disallow", "'all'"}, {"allow", "'alaw,ulaw,g722,opus'"}, {"direct_media", "'no'"},
	{"connected_line_method", "'invite'"}, {"dtmf_mode", "'rfc4733'"}, {"force_rport", "'yes'"}, {"ice_support", "'no'"},
	{"identify_by", "'username,auth_username'"}, {"moh_suggest", "'default'"}, {"rewrite_contact", "'yes'"},
	{"rtp_symmetric", "'yes'"}, {"send_pai", "'yes'"}, {"timers_min_se", "90"}, {"timers", "'yes'"}, {"timers_sess_expires", "1800"},
	{"callerid_privacy", "'allowed_not_screened'"}, {"aggregate_mwi", "'yes'"}, {"trust_id_inbound", "'no'"}, {"use_avpf", "'no'"},
	{"media_encryption", "'no'"}, {"call_group", "'1'"}, {"pickup_group", "'1'"}, {"device_state_busy_at", "2"}, {"t38_udptl", "'no'"},
	{"tone_zone", "'de'"}, {"language", "'en'"}, {"allow_transfer", "'yes'"}, {"allow_subscribe", "'yes'"}, {"tos_audio", "'ef'"},
	{"cos_audio", "5"}, {"set_var", "'TENANT=1'"}, {"message_context", "'messages'"}, {"rtp_timeout", "60"}, {"rtp_timeout_hold", "300"},
	{"voicemail_extension", "'*97'"}, {"subscribe_context", "'hints'"}, {"max_audio_streams", "1"}, {"max_video_streams", "0"},
	{"webrtc", "'no'"}, {"bundle", "'no'"}, {"rtcp_mux", "'no'"},
}

// number is the five digits of a phone's number, in SQL; everyPhone counts
// through all of them.
const (
	number     = "a.d, b.d, c.d, d.d, e.d"
	digits     = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4"
	everyPhone = digits + ") a, " + ten + " b, " + ten + " c, " + ten + " d, " + ten + " e"
	ten        = digits + " UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
)

// contact is the end of a contact's name; its beginning is the phone's.
const contact = "@c7b3c72520e64e6890687cb0bb4c9faa"

// fill gives the site its phones, each with what PJSIP reads when it
// registers. Twenty of them share a context.
func (s *site) fill(t *testing.T, which string) {
	t.Helper()
	names, values := "id, aors, auth, context, accountcode, callerid, mailboxes", fmt.Sprintf(`CONCAT('phone', %[1]s), CONCAT('phone', %[1]s), CONCAT('phone', %[1]s),
		CONCAT('ctx', a.d, b.d, c.d, d.d %% 5), CONCAT('account', %[1]s), CONCAT('"Phone ', %[1]s, '" <', %[1]s, '>'), CONCAT(%[1]s, '@default')`, number)
	for _, column := range endpoint {
		names += ", " + column[0]
		values += ", " + column[1]
	}
	for _, table := range []string{"ps_endpoints", "ps_auths", "ps_aors", "ps_contacts"} {
		s.exec(t, "DELETE FROM "+table)
	}
	s.insert(t, which, "ps_endpoints", names, values)
	s.insert(t, which, "ps_auths", "id, auth_type, username, password, realm",
		fmt.Sprintf("CONCAT('phone', %[1]s), 'userpass', CONCAT('phone', %[1]s), CONCAT('secret', %[1]s), 'asterisk'", number))
	s.insert(t, which, "ps_aors", "id, max_contacts, remove_existing, default_expiration, minimum_expiration, maximum_expiration, support_path",
		fmt.Sprintf("CONCAT('phone', %s), 1, 'yes', 3600, 60, 7200, 'yes'", number))
	s.insert(t, which, "ps_contacts", "id, uri, expiration_time, qualify_frequency, user_agent, qualify_timeout, authenticate_qualify, via_addr, via_port, "+
		"call_id, endpoint, prune_on_boot, qualify_2xx_only, reg_server",
		fmt.Sprintf("CONCAT('phone', %[1]s, '^3B%[2]s'), CONCAT('sip:phone', %[1]s, '@10.0.0.1:5060'), 2000000000, 60, 'Phone/1.0', 3, 'no', '10.0.0.1', 5060, "+
			"CONCAT('call', %[1]s), CONCAT('phone', %[1]s), 'no', 'no', ''", number, contact))
	s.exec(t, "CREATE INDEX speed_context ON ps_endpoints (context)")
}

func (s *site) insert(t *testing.T, which, table, names, values string) {
	t.Helper()
	s.exec(t, "INSERT INTO "+table+" ("+names+") SELECT "+values+" FROM "+everyPhone+" WHERE "+which)
}

func (s *site) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := s.DB.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%.100s: %v", strings.TrimSpace(statement), err)
	}
}
