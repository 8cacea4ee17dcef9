package gateway

import (
	"strings"

	"dbsep/sqlgen"
)

// AsteriskRequires is what Asterisk 22 requires of its tables when it starts, by
// the usual name of the table: the requests that its modules send as `require`.
var AsteriskRequires = map[string][]sqlgen.Requirement{
	"iaxfriends": {
		{Column: "name", Type: "char", Size: 10},
		{Column: "ipaddr", Type: "char", Size: 15},
		{Column: "port", Type: "uinteger2", Size: 5},
		{Column: "regseconds", Type: "uinteger2", Size: 6},
	},
	"voicemail": {
		{Column: "uniqueid", Type: "uinteger3", Size: 11},
		{Column: "password", Type: "char", Size: 10},
	},
	"voicemail_data": {
		{Column: "filename", Type: "char", Size: 30},
		{Column: "duration", Type: "uinteger3", Size: 5},
	},
	"queue_members": {
		{Column: "paused", Type: "integer1", Size: 1},
		{Column: "uniqueid", Type: "uinteger2", Size: 5},
		{Column: "reason_paused", Type: "char", Size: 80},
	},
	"queue_log": {
		{Column: "time", Type: "datetime", Size: 26},
		{Column: "data1", Type: "char", Size: 20},
		{Column: "data2", Type: "char", Size: 20},
		{Column: "data3", Type: "char", Size: 20},
		{Column: "data4", Type: "char", Size: 20},
		{Column: "data5", Type: "char", Size: 20},
	},
}

// SingleValued are the columns whose values Asterisk never takes for a list, by
// the usual name of their table. A plain ; in one of them was stored by a
// gateway that does not code it, and tears the value (P7).
var SingleValued = map[string][]string{
	"ps_contacts": {"id", "uri", "path", "user_agent"},
}

// FoundByPrefix is the column of a table by whose beginning Asterisk looks for rows
// over and over, by the usual name of the table: the contacts of a telephone, in
// each registration.
var FoundByPrefix = map[string]string{"ps_contacts": "id"}

// asteriskWrites are the tables that Asterisk itself writes in daily work, by
// their usual names.
var asteriskWrites = map[string]bool{
	"ps_contacts": true, "ps_subscription_persistence": true,
	"sippeers": true, "sipusers": true, "sipregs": true, "iaxfriends": true, "iaxusers": true, "iaxpeers": true,
	"queue_members": true, "queue_log": true, "cdr": true, "cel": true, "meetme": true,
	"voicemail": true, "voicemail_data": true, "voicemessages": true, "voicemail_messages": true,
}

// AsteriskWrites tells whether a table is one that Asterisk writes in daily work:
// registrations, members' states, logs, passwords changed from a telephone.
func AsteriskWrites(table string) bool { return asteriskWrites[strings.ToLower(table)] }
