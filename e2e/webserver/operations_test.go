//go:build e2e

package webserver

import (
	"testing"

	"dbsep/internal/testenv"
)

// queueRules is the file queuerules.conf.
const queueRules = "cat_metric=1&category=general&var_name=realtime_rules&var_val=yes\n" +
	"cat_metric=0&category=staticrule&var_name=penaltychange&var_val=30%2C%2B3\n" +
	"cat_metric=0&category=staticrule&var_name=penaltychange&var_val=60%2C10%2C5\n"

// operations are all seven, in an order in which each finds the rows it needs.
var operations = []struct{ feature, method, target, body, want string }{
	{"single", "POST", "/musiconhold_entry/single", "position=2&name=rtplay", "name=rtplay&position=2&entry=%2Fsrv%2Frt%2Fmoh%2Fb\n"},
	{"single: no row", "POST", "/musiconhold_entry/single", "name=nobody", "\n"},
	{"multi: operator in the name, rows in order", "POST", "/musiconhold_entry/multi", "position%20%3E%3D=2&name=rtplay",
		"name=rtplay&position=2&entry=%2Fsrv%2Frt%2Fmoh%2Fb\nname=rtplay&position=10&entry=%2Fsrv%2Frt%2Fmoh%2Fc\n"},
	{"multi: LIKE with an escaped pattern", "POST", "/extensions/multi", "exten%20LIKE=%5C_2XXX&priority=2",
		"id=7&context=rt&exten=_2XXX&priority=2&app=Hangup\n"},
	{"store: a PJSIP contact", "POST", "/ps_contacts/store",
		"id=alice%3B%401&uri=sip%3Aalice%40127.0.0.1%3A5060%3Btransport%3Dws&expiration_time=1795294347", "1\n"},
	{"single: the contact comes back", "POST", "/ps_contacts/single", "id=alice%3B%401",
		"id=alice%3B%401&uri=sip%3Aalice%40127.0.0.1%3A5060%3Btransport%3Dws&expiration_time=1795294347\n"},
	{"update: rows matched are counted", "POST", "/ps_contacts/update?id=alice%3B%401", "expiration_time=1795294347", "1\n"},
	{"update: an operator and a space in the URL", "POST", "/ps_contacts/update?expiration_time%20%3C%3D=1795294347&id=alice%3B%401", "user_agent=a%20b%2Bc%26d%C3%A9", "1\n"},
	{"update: no row", "POST", "/ps_contacts/update?id=nobody", "user_agent=x", "0\n"},
	{"update: a stray % in the URL", "POST", "/ps_contacts/update?id=100%", "user_agent=50%", "0\n"},
	{"update2: glued fields", "POST", "/voicemail/update?&context=defaultmailbox=1234", "&password=8642", "1\n"},
	{"destroy", "POST", "/ps_contacts/destroy", "id=alice%3B%401&", "1\n"},
	{"destroy: no row", "POST", "/ps_contacts/destroy", "id=alice%3B%401", "0\n"},
	{"require: met", "POST", "/rt_bulk/require", "name=char:80&val=char:255", "0\n"},
	{"require: not met", "POST", "/rt_bulk/require", "nosuch=char:10", "-1\n"},
	{"static", "GET", "/ast_config/static?file=queuerules.conf", "",
		queueRules},
	{"a failed read", "POST", "/nosuch/single", "id=1", ""},
	{"a failed write", "POST", "/nosuch/store", "id=1", "-1\n"},
	{"a failed static", "GET", "/nosuch/static?file=a.conf", "",
		"cat_metric=0&category=general&var_name=%23include&var_val=%2Fdbsep%2Ferror%2Funknown%2Dtable\n"},
	{"a key that exists already", "POST", "/ps_aors/store", "id=alice", "-1\n"},
	{"a write without any condition", "POST", "/ps_aors/destroy", "", "-1\n"},
	{"a write by GET", "GET", "/ps_aors/destroy?id=alice", "", "-1\n"},
}

// odd are paths that a base URL with a slash too many or a careless
// administrator makes.
var odd = []struct{ target, want string }{
	{"//musiconhold_entry/single", "name=rtplay&position=2"},
	{"/musiconhold_entry//single", "name=rtplay&position=2"},
	{"/musiconhold_entry/single/", "name=rtplay&position=2"},
	{"///musiconhold_entry///single//", "name=rtplay&position=2"},
	{"/musiconhold_entry/SINGLE", "name=rtplay&position=2"},
	{"/%6dusiconhold%5Fentry/singl%65", "name=rtplay&position=2"},
	{"/any/thing/before/musiconhold_entry/single", "name=rtplay&position=2"},
	{"/a/../musiconhold_entry/single", "name=rtplay&position=2"},
	{"/./musiconhold_entry/single", "name=rtplay&position=2"},
	{"/musiconhold_entry/single?position=10", "name=rtplay&position=2"},
	{"/musiconhold_entry/single.json", `{"name":"rtplay","position":"2"`},
}

func (d *door) testOperations(t *testing.T) {
	for _, o := range operations {
		testenv.Feature(t, d.system, o.feature, func(t *testing.T) {
			if o.method == "GET" {
				d.get(t, o.target).want(t, o.want)
				return
			}
			d.post(t, o.target, o.body).want(t, o.want)
		})
	}
	testenv.Feature(t, d.system, "// and odd paths", func(t *testing.T) {
		for _, o := range odd {
			if a := d.post(t, o.target, "position=2&name=rtplay"); len(a.body) < len(o.want) || a.body[:len(o.want)] != o.want {
				t.Errorf("%s: status %d, got %.200q, want %q at its beginning", o.target, a.status, a.body, o.want)
			}
		}
	})
	testenv.Feature(t, d.system, "no content type, or a wrong one", func(t *testing.T) {
		for _, kind := range []string{"", "text/plain", "text/html; charset=utf-8"} {
			d.post(t, "/musiconhold_entry/single", "position=2&name=rtplay", "Content-Type", kind).want(t, operations[0].want)
		}
	})
	testenv.Feature(t, d.system, "JSON, with dbsep's own statuses and errors", d.testJSON)
}

func (d *door) testJSON(t *testing.T) {
	for _, test := range []struct {
		target, accept string
		status         int
		want           string
	}{
		{"/musiconhold_entry/single?position=2", "application/json", 200, `{"name":"rtplay","position":"2","entry":"/srv/rt/moh/b"}` + "\n"},
		{"/musiconhold_entry/multi.json?position=2", "*/*", 200, `[{"name":"rtplay","position":"2","entry":"/srv/rt/moh/b"}]` + "\n"},
		{"/musiconhold_entry/single.json?position=3", "*/*", 404, `{"error":{"code":"no-row","message":"no row meets the conditions","table":"musiconhold_entry"}}` + "\n"},
		{"/nosuch/single.json?id=1", "*/*", 404, `{"error":{"code":"unknown-table"`},
		{"/ps_aors/store.json?id=1", "*/*", 405, `{"error":{"code":"method-not-allowed"`},
	} {
		a := d.get(t, test.target, "Accept", test.accept)
		if a.status != test.status || len(a.body) < len(test.want) || a.body[:len(test.want)] != test.want {
			t.Errorf("%s: got %d %q, want %d %q", test.target, a.status, a.body, test.status, test.want)
		}
	}
	if a := d.post(t, "/ps_aors/store.json", "id=alice"); a.status != 409 || a.header.Get("X-Dbsep-Error") != "duplicate" {
		t.Errorf("a duplicate: got %d %q", a.status, a.body)
	}
}
