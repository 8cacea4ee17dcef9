//go:build e2e

package opensips

import (
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/rig"
)

// variables are what a SIP request gives the script, each awkward in its way.
var variables = map[string]string{
	"fU":             "+4930 a&id=bob;x",
	"rd":             "support",
	"ci":             "call;1@127.0.0.1",
	"ct.fields(uri)": "sip:+4930@127.0.0.1:5060;transport=ws;x=a&b",
	"ua":             `Phone "x" 100% a+b & c=d ; ^ é`,
}

var (
	call   = regexp.MustCompile(`rest_(get|post)\("http://127\.0\.0\.1:8000([^"]*)"(?:, "([^"]*)", (?:"([^"]*)")?)?`)
	accept = regexp.MustCompile(`rest_append_hf\("([^"]*)"\)`)
)

// requests are what a block of the page makes OpenSIPS send, in its order.
func requests(t *testing.T, page *rig.Page, block string) []string {
	t.Helper()
	text := page.Block(t, block)
	for name, value := range variables {
		text = strings.ReplaceAll(text, "$("+name+"{rest.escape})", restEscape(value))
	}
	var headers []string
	if h := accept.FindStringSubmatch(text); h != nil {
		headers = append(headers, h[1])
	}
	var all []string
	for _, c := range call.FindAllStringSubmatch(text, -1) {
		method, target, body, contentType := strings.ToUpper(c[1]), c[2], c[3], c[4]
		if strings.Contains(target+body, "$") {
			t.Fatalf("%s: a value is not encoded: %s %s", block, target, body)
		}
		all = append(all, rest(method, target, body, contentType, headers...))
	}
	if len(all) == 0 {
		t.Fatalf("%s asks for nothing", block)
	}
	return all
}

func TestScript(t *testing.T) {
	page := rig.OpenPage(t, "../../docs/opensips.md")
	if !strings.Contains(page.Block(t, "rest_client.cfg"), `"curl_timeout", 2)`) {
		t.Errorf("the page's patience is not the tests', %v", patience)
	}
	onEach(t, func(t *testing.T, g *gateway) { testScript(t, page, g) })
}

func testScript(t *testing.T, page *rig.Page, g *gateway) {
	_, err := g.site.DB.ExecContext(t.Context(), "INSERT INTO ps_auths (id, password) VALUES ('+4930 a&id=bob^3Bx', 'pw1')")
	check(t, err)
	w := dial(t, g.address)
	const row = `"password":"pw1"`
	for _, block := range []string{"password.cfg", "async.cfg"} {
		rig.Feature(t, g.system, "a row in JSON: "+block, func(t *testing.T) {
			a := w.ask(t, requests(t, page, block)[0])
			if a.status != 200 || !strings.Contains(a.body, row) || strings.Index(a.body, "\n") != len(a.body)-1 {
				t.Errorf("got %d %q", a.status, a.body)
			}
		})
	}
	rig.Feature(t, g.system, "a row in text: text.cfg", func(t *testing.T) {
		w.ask(t, requests(t, page, "text.cfg")[0]).want(t, 200, "id=%2B4930%20a%26id%3Dbob%3Bx&password=pw1\n")
	})
	rig.Feature(t, g.system, "many rows in JSON: members.cfg", func(t *testing.T) {
		a := w.ask(t, requests(t, page, "members.cfg")[0])
		if a.status != 200 || strings.Count(a.body, `"queue_name":"support"`) != 3 || !strings.HasPrefix(a.body, "[{") {
			t.Errorf("got %d %q", a.status, a.body)
		}
	})
	rig.Feature(t, g.system, "store, update, destroy: contact.cfg", func(t *testing.T) {
		contact := requests(t, page, "contact.cfg")
		store, update, destroy := contact[0], contact[1], contact[2]
		w.ask(t, store).want(t, 200, `{"affected":1}`+"\n")
		if a := w.ask(t, store); a.status != 409 {
			t.Errorf("a second store: status %d", a.status)
		}
		w.ask(t, update).want(t, 200, `{"affected":1}`+"\n")
		var uri, agent string
		check(t, g.site.DB.QueryRowContext(t.Context(), "SELECT uri, user_agent FROM ps_contacts WHERE id = 'call^3B1@127.0.0.1'").Scan(&uri, &agent))
		if uri != "sip:+4930@127.0.0.1:5060^3Btransport=ws^3Bx=a&b" || agent != `Phone "x" 100% a+b & c=d ^3B ^5E é` {
			t.Errorf("stored are %q and %q", uri, agent)
		}
		w.ask(t, destroy).want(t, 200, `{"affected":1}`+"\n")
		w.ask(t, destroy).want(t, 200, `{"affected":0}`+"\n")
	})
}
