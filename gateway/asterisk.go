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

// AsteriskStores is what Asterisk stores in some columns in daily work without
// requiring it: widths of texts that tables made for older versions do not have, by
// the usual name of the table. A value that does not fit is refused, and a phone is
// not registered for it. A column that is missing is not told by it.
var AsteriskStores = map[string][]sqlgen.Requirement{
	"ps_contacts": {
		{Column: "id", Type: "char", Size: 255}, {Column: "uri", Type: "char", Size: 255}, {Column: "path", Type: "char", Size: 255},
		{Column: "user_agent", Type: "char", Size: 255}, {Column: "call_id", Type: "char", Size: 255},
		{Column: "reg_server", Type: "char", Size: 255}, {Column: "endpoint", Type: "char", Size: 255},
		{Column: "outbound_proxy", Type: "char", Size: 255}, {Column: "via_addr", Type: "char", Size: 40},
		{Column: "expiration_time", Type: "integer8", Size: 20},
	},
	"sippeers": {
		{Column: "fullcontact", Type: "char", Size: 255}, {Column: "useragent", Type: "char", Size: 255},
		{Column: "ipaddr", Type: "char", Size: 45}, {Column: "regserver", Type: "char", Size: 255},
	},
}

// AsteriskClears are the numbers that Asterisk gives an empty value, by the usual
// name of their table: the column has to take NULL (P15).
var AsteriskClears = map[string][]string{
	"ps_contacts": {"via_port"},
	"iaxfriends":  {"port"},
	"sippeers":    {"port", "lastms"},
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
