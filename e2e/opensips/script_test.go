//go:build e2e

package opensips

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/testenv"

	"golang.org/x/crypto/bcrypt"
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
	call     = regexp.MustCompile(`rest_(get|post)\("http://127\.0\.0\.1:8000([^"]*)"(?:, "([^"]*)", (?:"([^"]*)")?)?`)
	headerOf = regexp.MustCompile(`rest_append_hf\("([^"]*)"\)`)
)

// requests are what a block of the page makes OpenSIPS send, in its order, with
// further pairs of a variable and its value.
func requests(t *testing.T, page *testenv.Page, block string, further ...string) []string {
	t.Helper()
	text := page.Block(t, block)
	values := maps.Clone(variables)
	for i := 0; i < len(further); i += 2 {
		values[further[i]] = further[i+1]
	}
	for name, value := range values {
		text = strings.ReplaceAll(text, "$("+name+"{rest.escape})", restEscape(value))
	}
	var headers []string
	if h := headerOf.FindStringSubmatch(text); h != nil {
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
	page := testenv.OpenPage(t, "../../docs/opensips.md")
	if !strings.Contains(page.Block(t, "rest_client.cfg"), `"curl_timeout", 2)`) {
		t.Errorf("the page's patience is not the tests', %v", patience)
	}
	onEach(t, func(t *testing.T, g *gateway) { testScript(t, page, g) })
}

func testScript(t *testing.T, page *testenv.Page, g *gateway) {
	_, err := g.site.DB.ExecContext(t.Context(), "INSERT INTO ps_auths (id, password) VALUES ('+4930 a&id=bob^3Bx', 'pw1')")
	check(t, err)
	w := dial(t, g.address)
	const row = `"password":"pw1"`
	for _, block := range []string{"password.cfg", "async.cfg"} {
		testenv.Feature(t, g.system, "a row in JSON: "+block, func(t *testing.T) {
			a := w.ask(t, requests(t, page, block)[0])
			if a.status != 200 || !strings.Contains(a.body, row) || strings.Index(a.body, "\n") != len(a.body)-1 {
				t.Errorf("got %d %q", a.status, a.body)
			}
		})
	}
	testenv.Feature(t, g.system, "a row in text: text.cfg", func(t *testing.T) {
		w.ask(t, requests(t, page, "text.cfg")[0]).want(t, 200, "id=%2B4930%20a%26id%3Dbob%3Bx&password=pw1\n")
	})
	testenv.Feature(t, g.system, "many rows in JSON: members.cfg", func(t *testing.T) {
		a := w.ask(t, requests(t, page, "members.cfg")[0])
		if a.status != 200 || strings.Count(a.body, `"queue_name":"support"`) != 3 || !strings.HasPrefix(a.body, "[{") {
			t.Errorf("got %d %q", a.status, a.body)
		}
	})
	testenv.Feature(t, g.system, "store, update, destroy: contact.cfg", func(t *testing.T) {
		const (
			one  = `{"affected":1}` + "\n"
			none = `{"affected":0}` + "\n"
		)
		contact := requests(t, page, "contact.cfg")
		store, destroy := contact[0], contact[2]
		wantRow := func(wantURI, wantAgent string) {
			t.Helper()
			var uri, agent string
			check(t, g.site.DB.QueryRowContext(t.Context(), "SELECT uri, user_agent FROM ps_contacts WHERE id = 'call^3B1@127.0.0.1'").Scan(&uri, &agent))
			if uri != wantURI || agent != wantAgent {
				t.Errorf("stored are %q and %q, want %q and %q", uri, agent, wantURI, wantAgent)
			}
		}
		w.ask(t, store).want(t, 200, one)
		wantRow("sip:+4930@127.0.0.1:5060^3Btransport=ws^3Bx=a&b", `Phone "x" 100% a+b & c=d ^3B ^5E é`)

		moved := requests(t, page, "contact.cfg", "ct.fields(uri)", "sip:+4930@127.0.0.2", "ua", "new")
		if a := w.ask(t, moved[0]); a.status != 409 {
			t.Errorf("a second store: status %d", a.status)
		}
		w.ask(t, moved[1]).want(t, 200, one)
		wantRow("sip:+4930@127.0.0.2", "new")

		other := requests(t, page, "contact.cfg", "fU", "mallory", "ct.fields(uri)", "sip:mallory@127.0.0.3")
		if a := w.ask(t, other[0]); a.status != 409 {
			t.Errorf("a store with another phone's Call-ID: status %d", a.status)
		}
		w.ask(t, other[1]).want(t, 200, none)
		w.ask(t, other[2]).want(t, 200, none)
		wantRow("sip:+4930@127.0.0.2", "new")

		w.ask(t, destroy).want(t, 200, one)
		w.ask(t, destroy).want(t, 200, none)
	})
	testenv.Feature(t, g.system, "a user and a password in a header: authorization.cfg", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), "sh", "-e", "-c", page.Block(t, "authorization")).Output()
		check(t, err)
		header := headerOf.FindStringSubmatch(page.Block(t, "authorization.cfg"))
		if header == nil || header[1] != "Authorization: Basic "+strings.TrimSpace(string(out)) {
			t.Fatalf("the block sends %q, the command writes %q", header, out)
		}
		hash, err := bcrypt.GenerateFromPassword([]byte("s3cret"), bcrypt.MinCost)
		check(t, err)
		passwords := filepath.Join(g.site.Folder, "htpasswd")
		check(t, os.WriteFile(passwords, []byte("opensips:"+string(hash)+"\n"), 0o600))
		g.site.Configure(t, "[server]", "htpasswd="+passwords)
		address := testenv.FreeAddress(t)
		g.site.ServeAt(t, address)
		w := dial(t, address)
		if a := w.ask(t, rest("GET", "/ps_auths/single.json?id=alice", "", "", header[1])); a.status != 200 {
			t.Errorf("with the header: got %d %q", a.status, a.body)
		}
		if a := w.ask(t, rest("GET", "/ps_auths/single.json?id=alice", "", "")); a.status != 401 || strings.Contains(a.body, "alice") {
			t.Errorf("without it: got %d %q", a.status, a.body)
		}
	})
}
