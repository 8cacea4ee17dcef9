// Package asterisk has facts about Asterisk's tables: what its modules require of
// them, store in them and look up, by the usual name of each table.
package asterisk

import (
	"slices"
	"strings"

	"dbsep/sqlgen"
)

// Requires has the requirements that the modules of Asterisk 22 send as `require`
// when they start, by the usual name of the table.
var Requires = map[string][]sqlgen.Requirement{
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

// Stores has columns that Asterisk writes without requiring them, with the width of
// what it may store, by the usual name of the table. Tables made for older versions
// may be too narrow: a value that does not fit is refused, and a phone cannot
// register. Not every table has each of these columns.
var Stores = map[string][]sqlgen.Requirement{
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

// Clears has the numeric columns that Asterisk sets to an empty value, by the usual
// name of the table. They must allow NULL (P15).
var Clears = map[string][]string{
	"ps_contacts": {"via_port"},
	"iaxfriends":  {"port"},
	"sippeers":    {"port", "lastms"},
}

// Renewed are the usual names of the tables whose rows the phones store again by themselves.
var Renewed = []string{"ps_contacts"}

// SingleValues are the columns of a table that Asterisk never reads as a list.
type SingleValues struct {
	Lookups []string // by which it looks rows up
	Others  []string
}

// SingleValued has them by the usual name of the table. A plain ; in one of them was stored
// by a program that does not encode it, and Asterisk splits the value there (P7).
var SingleValued = map[string]SingleValues{
	"ps_contacts":   {[]string{"id"}, []string{"uri", "path", "user_agent"}},
	"ps_endpoints":  {[]string{"id"}, []string{"callerid", "from_user", "context"}},
	"ps_auths":      {[]string{"id"}, []string{"username", "password", "md5_cred", "realm"}},
	"ps_aors":       {[]string{"id"}, nil},
	"voicemail":     {[]string{"mailbox", "context"}, []string{"password", "fullname"}},
	"queues":        {[]string{"name"}, nil},
	"queue_members": {[]string{"queue_name"}, []string{"interface", "membername", "state_interface"}},
	"extensions":    {[]string{"exten", "context"}, []string{"app", "appdata"}},
	"sippeers":      {[]string{"name"}, []string{"secret", "md5secret", "callerid"}},
}

// LookupByPrefix has the column that Asterisk often matches by its beginning, by the
// usual name of the table: the contacts of an AOR, in each registration.
var LookupByPrefix = map[string]string{"ps_contacts": "id"}

// A Writing is how Asterisk writes a table in daily work: registrations, states of members,
// logs, passwords changed from a phone.
type Writing struct {
	Columns                   []string // whose values it sets, as far as they are known
	Stores, Updates, Destroys bool     // rows
}

var (
	registers = Writing{Columns: []string{"ipaddr", "port", "regseconds", "fullcontact", "defaultuser", "useragent", "regserver", "lastms"}, Updates: true}
	iax       = Writing{Columns: []string{"ipaddr", "port", "regseconds"}, Updates: true}
	pauses    = Writing{Columns: []string{"paused", "reason_paused"}, Updates: true}
	passwords = Writing{Columns: []string{"password"}, Updates: true}
	logs      = Writing{Stores: true}
	keeps     = Writing{Stores: true, Updates: true, Destroys: true}
)

// writings has them by the usual names of the tables. Those of StoredInFull have all columns
// that Asterisk knows.
var writings = map[string]Writing{
	"ps_contacts": keeps, "ps_subscription_persistence": keeps,
	"sippeers": registers, "sipusers": registers, "sipregs": registers, "sip_buddies": registers,
	"iaxfriends": iax, "iaxusers": iax, "iaxpeers": iax, "iax_buddies": iax,
	"queue_members": pauses, "queue_member_table": pauses,
	"queue_log": {Columns: []string{"time", "callid", "queuename", "agent", "event", "data1", "data2", "data3", "data4", "data5"}, Stores: true},
	"cdr":       logs, "cel": logs,
	"meetme":    {Columns: []string{"members", "endtime"}, Updates: true},
	"voicemail": passwords, "voicemail_users": passwords,
	"voicemail_data": {Columns: []string{"filename", "duration"}, Stores: true, Updates: true, Destroys: true},
	"voicemessages":  keeps, "voicemail_messages": keeps,
}

// Writes reports whether Asterisk writes a table in daily work.
func Writes(table string) bool {
	_, written := WritingOf(table)
	return written
}

// WritingOf returns how Asterisk writes a table, if it does.
func WritingOf(table string) (w Writing, written bool) {
	table = strings.ToLower(table)
	w, written = writings[table]
	if slices.Contains(StoredInFull, table) {
		w.Columns = columnsOf(table)
	}
	return w, written
}

// columnsOf are the columns that a table has in any release.
func columnsOf(table string) (names []string) {
	for _, t := range facts().tables {
		for _, c := range t.columns {
			if t.name == table {
				names = append(names, c.name)
			}
		}
	}
	return names
}

// StoredInFull are the usual names of the tables whose rows Asterisk stores with all the
// columns that it knows: without one of them nothing is stored.
var StoredInFull = []string{"ps_contacts", "ps_subscription_persistence"}

// HasAORs reports whether a table has AORs, under any name. What phones register at
// has a limit of contacts, and may have some that do not register.
func HasAORs(t *sqlgen.Table) bool {
	return t.Column(AORContact) != nil && t.Column(AORMaxContacts) != nil
}

// Columns of AORs. An AOR without MaxContacts takes no registrations.
const (
	AORContact     = "contact"
	AORMaxContacts = "max_contacts"
)

// HasContacts reports whether a table has the contacts of phones that are registered.
func HasContacts(t *sqlgen.Table) bool {
	return t.Column("uri") != nil && t.Column("expiration_time") != nil
}
