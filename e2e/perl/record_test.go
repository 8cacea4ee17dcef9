//go:build e2e

package perl

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// steady makes the script send columns in one order, so that two of its responses
// can be compared byte for byte.
const steady = "SetEnv PERL_HASH_SEED 0\nSetEnv PERL_PERTURB_KEYS 0\n"

// reads are a client's requests that change nothing: rows, none, lists, an
// error's text, and a page of Apache's.
var reads = []struct{ method, target, body string }{
	{"POST", "/mwi/multi", "id%20LIKE=%25"},
	{"POST", "/sippeers/single", "name=alice&host=dynamic"},
	{"POST", "/voicemail/single", "mailbox=nobody"},
	{"POST", "/queue_members/multi", "interface%20LIKE=%25&queue_name=support"},
	{"POST", "/ps_contacts/multi", "endpoint=alice"},
	{"POST", "/nosuch/single", "id=1"},
	{"POST", "/mwi/single", "id=Dazed&id=Confused"},
	{"GET", "/ast_config/static?file=pjsip.conf", ""},
	{"GET", "/mwi/single?id=Dazed", ""},
}

// writes are those that change rows, in an order in which each finds its own.
var writes = []struct{ target, body, want string }{
	{"/nopk/store", "a=recorded&b=1", "1\n"},
	{"/nopk/update?a=recorded", "b=2", "1\n"},
	{"/nopk/destroy", "a=nobody&", "0E0\n"},
}

func TestRecord(t *testing.T) {
	for db := range sites {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			s := openSite(t, db, steady)
			testenv.Feature(t, "compare --record/"+s.Kind, "clients get the script's answers, writes arrive once", s.testRecord)
		})
	}
}

func (s *site) testRecord(t *testing.T) {
	address := testenv.FreeAddress(t)
	front := "http://" + address
	command := testenv.ReadPage(t, "../../docs/migrating.md").Block(t, "compare",
		"http://pbx.example.org"+path, s.script, "http://127.0.0.1:8000", s.Serve(t), "127.0.0.1:8001", address)
	c := testenv.Start(t, []string{"PATH=" + filepath.Dir(testenv.Program(t)) + ":" + os.Getenv("PATH")}, "sh", "-c", "exec "+command)
	testenv.WaitFor(t, "the comparison", c, testenv.Listening(address))

	for _, r := range reads {
		if old, got := ask(t, r.method, s.script+r.target, r.body), ask(t, r.method, front+r.target, r.body); got != old {
			t.Errorf("%s %s: got %+v, the script answers %+v", r.method, r.target, got, old)
		}
	}
	for _, w := range writes {
		if a := ask(t, "POST", front+w.target, w.body); a.status != 200 || a.body != w.want {
			t.Errorf("%s is answered %d %q", w.target, a.status, a.body)
		}
	}
	if got := s.value(t, "SELECT COUNT(*) FROM nopk WHERE a = 'recorded' AND b = '2'"); got != "1" {
		t.Errorf("what was stored once is there %s times", got)
	}

	c.End()
	testenv.WaitFor(t, "the web server to log each write, and each once", nil, func(context.Context) error {
		log, err := os.ReadFile(s.log)
		if n := strings.Count(string(log), "/nopk/"); err == nil && n != len(writes) {
			err = fmt.Errorf("the script was asked to write %d times, not %d:\n%s", n, len(writes), log)
		}
		return err
	})
	out := c.Log.String()
	same, explained, different, failed := summary(t, out)
	if same < 4 || same+explained != len(reads) || different+failed != 0 || c.Err() != nil {
		t.Errorf("%v, of %d requests:\n%s", c.Err(), len(reads), out)
	}
	if !strings.Contains(out, "    3  left out: they write\n") || strings.Contains(out, "left out: too many") {
		t.Errorf("what was left out is not told:\n%s", out)
	}
}
