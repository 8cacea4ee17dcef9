//go:build e2e

package kamailio

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"dbsep/internal/testenv"
)

// supportMembers are the members of the queue "support".
const supportMembers = "Local/agent1@agents Local/agent2@agents PJSIP/bob "

func (p *proxy) test(t *testing.T) {
	feature := func(name string, test func(t *testing.T)) { testenv.Feature(t, p.system, name, test) }
	feature("http_connect: a row in JSON", func(t *testing.T) {
		p.ask(t, "password", "alice", "example.org").want(t, "200", "alice-pw")
	})
	feature("http_connect: no row is 404", func(t *testing.T) {
		p.ask(t, "password", "nobody", "example.org").want(t, "404", "")
	})
	feature("http_connect: a row in text", func(t *testing.T) {
		p.ask(t, "text", "alice", "example.org").want(t, "200", "alice-pw")
		p.ask(t, "text", "nobody", "example.org").want(t, "200", "")
	})
	feature("http_client_query: JSON by Accept", func(t *testing.T) {
		p.ask(t, "query", "bob", "example.org").want(t, "200", "bob-pw")
		p.ask(t, "query", "nobody", "example.org").want(t, "404", "")
	})
	feature("http_connect: many rows in JSON", func(t *testing.T) {
		p.ask(t, "members", "alice", "support").want(t, "200", supportMembers)
		p.ask(t, "members", "alice", "nosuch").want(t, "200", "")
	})
	feature("http_async_client: a row in JSON, with a password", func(t *testing.T) {
		p.ask(t, "async", "alice", "example.org").want(t, "200", "alice-pw")
		p.ask(t, "async", "nobody", "example.org").want(t, "404", "")
	})
	feature("http_async_client: 20 at once", func(t *testing.T) {
		var all sync.WaitGroup
		for range 20 {
			other := newPhone(t, p.conn.RemoteAddr().String())
			all.Go(func() {
				r, err := other.send(t.Context(), "async", "alice", "example.org")
				if err != nil {
					t.Error(err)
				}
				r.want(t, "200", "alice-pw")
			})
		}
		all.Wait()
	})
	feature("store, update, destroy: hard values", p.testContact)
	feature("tables.conf: a table that Kamailio reads itself", p.testOwnTable)
	feature("a contact that another phone has stored, or that is missing", p.testForeignContact)
	feature("a value that Kamailio encodes, in a look-up", p.testEncoding)
	feature("http_connect keeps its connection", func(t *testing.T) {
		p.ask(t, "second", "alice", "example.org")
		before := p.direct.Accepted()
		for range 20 {
			p.ask(t, "second", "alice", "example.org").want(t, "200", "")
		}
		if n := p.direct.Accepted() - before; n != 0 {
			t.Errorf("%d new connections for 20 requests", n)
		}
	})
	feature("the kept connection was closed by the gateway", func(t *testing.T) {
		p.direct.Cut()
		p.direct.Open(t)
		p.ask(t, "second", "alice", "example.org").want(t, "200", "")
	})
	feature("a failed look-up never finds another phone's password", p.testFaults)
	feature("REGISTER: a phone gets in with its own password only, whatever fails", p.testRegister)
	feature("database away: failover to the second gateway", func(t *testing.T) {
		_, err := p.second.DB.ExecContext(t.Context(), "UPDATE ps_auths SET password='second-pw' WHERE id='alice'")
		check(t, err)
		p.outage.Begin(t)
		p.ask(t, "password", "alice", "example.org").want(t, "200", "second-pw")
		p.ask(t, "async", "alice", "example.org").want(t, "503", "")
		p.outage.End(t, testenv.Answers("http://"+p.backend+"/ps_auths/single?id=alice"))
		p.ask(t, "password", "alice", "example.org").want(t, "200", "alice-pw")
	})
	feature("Apache away: failover to the second gateway", func(t *testing.T) {
		p.apache.Cut()
		p.ask(t, "password", "alice", "example.org").want(t, "200", "second-pw")
		p.ask(t, "async", "alice", "example.org").want(t, "0", "")
		p.apache.Open(t)
		p.ask(t, "password", "alice", "example.org").want(t, "200", "alice-pw")
	})
	feature("dbsep away behind Apache: failover to the second gateway", func(t *testing.T) {
		p.firstProcess.End()
		p.ask(t, "password", "alice", "example.org").want(t, "200", "second-pw")
		p.ask(t, "async", "alice", "example.org").want(t, "503", "")
	})
}

// testContact keeps a contact as a REGISTER brings it: a Call-ID, a URI with
// parameters, a name with all that is awkward.
func (p *proxy) testContact(t *testing.T) {
	const uri, agent, id = `sip:+4930123@127.0.0.1:5060;transport=ws;x=a&b`, `Phone "x" 100% a+b & c=d ; ^ é`, "call;1@127.0.0.1"
	headers := []string{"Call-ID: " + id, "Contact: <" + uri + ">", "User-Agent: " + agent}
	wantRow := func(column, want string) {
		t.Helper()
		var got string
		check(t, p.first.DB.QueryRowContext(t.Context(), "SELECT "+column+" FROM ps_contacts").Scan(&got))
		if got != want {
			t.Errorf("%s is stored as %q, want %q", column, got, want)
		}
	}
	p.ask(t, "save", "alice", "example.org", headers...).want(t, "200", "0")
	wantRow("id", "call^3B1@127.0.0.1")
	wantRow("uri", "sip:+4930123@127.0.0.1:5060^3Btransport=ws^3Bx=a&b")
	wantRow("user_agent", `Phone "x" 100% a+b & c=d ^3B ^5E é`)
	headers[2] = "User-Agent: other"
	p.ask(t, "save", "alice", "example.org", headers...).want(t, "200", "1")
	wantRow("user_agent", "other")
	wantRow("COUNT(*)", "1")
	p.ask(t, "remove", "alice", "example.org", headers...).want(t, "200", "1")
	p.ask(t, "remove", "alice", "example.org", headers...).want(t, "200", "0")
	wantRow("COUNT(*)", "0")
}

// testForeignContact sends what a phone must not get through with: the Call-ID of
// another phone's registration, and a request without a contact.
func (p *proxy) testForeignContact(t *testing.T) {
	wantRows := func(want string) {
		t.Helper()
		var got sql.NullString
		check(t, p.first.DB.QueryRowContext(t.Context(), "SELECT MAX(uri) FROM ps_contacts").Scan(&got))
		if got.String != want {
			t.Errorf("ps_contacts has the URI %q, want %q", got.String, want)
		}
	}
	contact := func(call, uri string) []string { return []string{"Call-ID: " + call, "Contact: <" + uri + ">"} }
	p.ask(t, "save", "alice", "example.org", contact("one", "sip:alice@127.0.0.1")...).want(t, "200", "0")
	wantRows("sip:alice@127.0.0.1")
	p.ask(t, "save", "bob", "example.org", contact("one", "sip:bob@127.0.0.1")...).want(t, "409", "0")
	wantRows("sip:alice@127.0.0.1")
	p.ask(t, "remove", "bob", "example.org", contact("one", "sip:bob@127.0.0.1")...).want(t, "200", "0")
	wantRows("sip:alice@127.0.0.1")
	p.ask(t, "remove", "alice", "example.org", contact("one", "sip:alice@127.0.0.1")...).want(t, "200", "1")
	wantRows("")
	p.ask(t, "save", "bob", "example.org", "Call-ID: two").want(t, "400", "-1")
	wantRows("")
}

// testEncoding looks a user up whose name no careless encoding survives.
func (p *proxy) testEncoding(t *testing.T) {
	for i, user := range []string{"+4930123", "a&id=bob", "a;b", "a=b", "100%25", "é"} {
		name := map[string]string{"100%25": "100%25", "a;b": "a^3Bb"}[user]
		if name == "" {
			name = user
		}
		_, err := p.first.DB.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO ps_auths (id, password) VALUES ('%s', 'pw%d')", name, i))
		check(t, err)
		for _, route := range []string{"password", "text", "async"} {
			p.ask(t, route, user, "example.org").want(t, "200", fmt.Sprint("pw", i))
		}
	}
}
