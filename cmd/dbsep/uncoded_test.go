package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestValuesThatAsteriskReadsOtherwise has one value of each kind, and beside them values that
// look like them and are read as they are.
func TestValuesThatAsteriskReadsOtherwise(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s aSite) {
		const contacts, extensions = " in id, uri, path, user_agent, and Asterisk ", " in exten, context, app, appdata, and Asterisk "
		want := []string{
			`extensions: 1 row holds a plain ;` + extensions + `splits the value there; the first has id "2"`,
			`extensions: 2 rows hold a plain ^` + extensions + `reads another value, or does not find the row; the first has id "3"`,
			`ps_contacts: 2 rows hold a plain ;` + contacts + `splits the value there; the first has id "a;@1"`,
			`ps_contacts: 4 rows hold a plain ^` + contacts + `reads another value, or does not find the row; the first has id "f^@1"`,
		}
		if diff := cmp.Diff(want, s.found(t, s.account)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		s.settings += "[compat *]\nsemicolons=raw\n"
		if got := s.found(t, s.account); len(got) > 0 {
			t.Errorf("of raw tables: %v", got)
		}
	},
		"CREATE TABLE ps_contacts (id VARCHAR(255) NOT NULL PRIMARY KEY, uri VARCHAR(511)"+contactColumns+")",
		`INSERT INTO ps_contacts (id, uri, user_agent) VALUES
			('a;@1', 'sip:a', NULL), ('b^3B@1', 'sip:b;transport=ws', NULL),
			('c^3B@1', 'sip:c^3Btransport=ws^5E', 'x'), ('d^5E^3B@1', 'sip:^^3B^', '^3b ^4 ^ ^xy^4g^5e ^a1'), ('e^3B@1', NULL, '100%'),
			('f^@1', 'sip:f', NULL), ('g^3b@1', 'sip:g', NULL), ('h^3B@1', 'sip:h', 'a^5Eb ^5F'), ('i^3B@1', 'sip:^41', 'x')`,
		"CREATE TABLE extensions (id INTEGER NOT NULL PRIMARY KEY, context VARCHAR(40), exten VARCHAR(40), priority INTEGER, app VARCHAR(40), appdata VARCHAR(256))",
		`INSERT INTO extensions (id, exten, app, appdata) VALUES (1, '_X.', 'Dial', 'PJSIP/1'), (2, '1', 'Set', 'a=1;b=2'),
			(3, '2', 'GotoIf', '$["${CALLERID(num)}" =~ "^41"]?a'), (4, '3', 'GotoIf', '$["${X}" =~ "^[0-9]"]?a'), (5, '^44', 'NoOp', '')`,
		// a view with values that are lists
		"CREATE TABLE ps_aors (id VARCHAR(40) NOT NULL PRIMARY KEY, contact VARCHAR(255))",
		"INSERT INTO ps_aors VALUES ('a', 'sip:a;sip:b^41')")
}

// TestKeysOfStrangers has a key with characters that a terminal would obey, and a long one.
func TestKeysOfStrangers(t *testing.T) {
	s := openSite["SQLite"](t)
	s.exec(t, "CREATE TABLE ps_aors (id VARCHAR(255) PRIMARY KEY)", "INSERT INTO ps_aors VALUES (char(27) || '[2J;' || replace(hex(zeroblob(100)), '0', 'x'))")
	got := s.found(t, s.account)
	if len(got) != 1 || !strings.HasSuffix(got[0], `the first has id "\x1b[2J;`+strings.Repeat("x", 55)+`..."`) {
		t.Errorf("%q", got)
	}
}
