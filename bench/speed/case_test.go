package speed

import (
	_ "embed" // the recorded requests
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A request is a path below a program's base, and a form.
type request struct{ path, form string }

// A question is a request whose right response is known: the rows that a query
// finds, or, without one, that one row was affected.
type question struct {
	request
	rows string // SQL
}

// A load is the requests that programs get again and again while they are measured.
type load struct {
	name      string
	requests  []request // in this order
	questions []question
	writes    bool // each response is 1
	each      int  // requests that make one of what is counted; 0: one
	perSecond int  // so many requests, on pacedConnections; 0: as fast as responses come

	// prepare makes the rows what they have to be before the first request of a
	// run. May be nil.
	prepare func(t *testing.T, s *site, run int)
}

// many is how many different requests a load has at least. No program caches
// responses, so more would not make it harder.
const many = 10_000

// runMark is replaced by the number of a run. Each run thus has contacts of its own
// and changes the rows that it updates: MariaDB writes nothing if a row stays the
// same.
const runMark = "RUN"

// pacedConnections is the number of connections of loads that have a pace.
const pacedConnections = 16

// pause is what each connection of a load waits between two requests, on average.
func (l *load) pause() time.Duration {
	return pacedConnections * time.Second / time.Duration(l.perSecond)
}

// paced is a load at a pace: what a request costs where the machine is not busy.
func (l *load) paced(perSecond int) *load {
	paced := *l
	paced.name, paced.perSecond = fmt.Sprintf("%s at %d/s", l.name, perSecond), perSecond
	return &paced
}

// all is the name of the load whose response is so long that it is measured in its
// own way.
const all = "multi 50000"

// loads makes what is measured. The same seed gives every program the same.
func loads() []*load {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() string { return fmt.Sprintf("phone%05d", random.IntN(phones)) }
	single := &load{name: "single", questions: []question{
		{request{"/ps_endpoints/single", "id=phone00042"}, "SELECT * FROM ps_endpoints WHERE id = 'phone00042'"},
		{request{"/ps_endpoints/single", "id=nobody"}, "SELECT * FROM ps_endpoints WHERE id = 'nobody'"},
	}}
	multi := &load{name: "multi 20", questions: []question{
		{request{"/ps_endpoints/multi", "context=ctx0001"}, "SELECT * FROM ps_endpoints WHERE context = 'ctx0001'"},
	}}
	update := &load{name: "update", writes: true, questions: []question{
		{request{"/ps_endpoints/update?id=phone00042", "accountcode=account00042&callerid=%22Phone%2000042%22%20%3C00042%3E"}, ""},
		{request{"/ps_endpoints/single", "id=phone00042"}, "SELECT * FROM ps_endpoints WHERE id = 'phone00042'"},
	}}
	register := &load{name: "register", questions: registration("phone00042"), each: len(registration(""))}
	for range many {
		id := pick()
		single.requests = append(single.requests, request{"/ps_endpoints/single", "id=" + id})
		multi.requests = append(multi.requests, request{"/ps_endpoints/multi", fmt.Sprintf("context=ctx%d%d%d%d", random.IntN(5), random.IntN(10), random.IntN(10), random.IntN(5))})
		for _, q := range registration(id) {
			register.requests = append(register.requests, q.request)
		}
	}
	for i := range 5 * many { // more than a run comes to
		id := pick()
		update.requests = append(update.requests, request{"/ps_endpoints/update?id=" + id, fmt.Sprintf("accountcode=run%s.%d&callerid=%%22Phone%%20%s%%22%%20%%3C%[3]s%%3E", runMark, i, id[5:])})
	}
	return []*load{single, multi, {name: all, questions: []question{
		{request{"/ps_endpoints/multi", "id%20LIKE=%25"}, "SELECT * FROM ps_endpoints"},
	}}, update, storeAndDestroy(), register, single.paced(200), single.paced(1000), single.paced(4000)}
}

// storeAndDestroy stores contacts and destroys each a while later: among many
// connections nothing else shows that the store has had its response by then.
func storeAndDestroy() *load {
	const lag = 1000
	id := func(i int) string { return fmt.Sprintf("id=new%sx%05d%%3B%%40%s", runMark, i, contact[1:]) }
	store := func(i int) request { return request{"/ps_contacts/store", id(i) + "&" + contactForm("new")} }
	destroy := func(i int) request { return request{"/ps_contacts/destroy", id(i) + "&"} }
	l := &load{name: "store+destroy", writes: true, questions: []question{{store(many), ""}, {destroy(many), ""}}}
	for i := range many {
		l.requests = append(l.requests, store(i), destroy((i+many-lag)%many))
	}
	l.prepare = func(t *testing.T, s *site, run int) {
		s.exec(t, "DELETE FROM ps_contacts WHERE id LIKE 'new%'")
		for _, separator := range []string{"^3B", ";"} { // as dbsep and as the Perl script store it
			s.exec(t, fmt.Sprintf("INSERT INTO ps_contacts (id, reg_server) SELECT CONCAT('new%dx', %s, '%s%s'), '' FROM %s WHERE a.d = 0 AND b.d = 9",
				run, number, separator, contact, everyPhone))
		}
	}
	return l
}

// contactForm is what Asterisk stores with a contact.
func contactForm(phone string) string {
	return "via_addr=10.0.0.1&qualify_timeout=3.000000&qualify_2xx_only=no&call_id=3c385835%40" + phone +
		"&reg_server=&prune_on_boot=no&path=&endpoint=" + phone + "&via_port=5060&authenticate_qualify=no&uri=sip%3A" + phone +
		"%4010.0.0.1%3A5060&qualify_frequency=60&user_agent=Phone%2F1.0&expiration_time=2000000000&outbound_proxy="
}

// registrationRequests are those of a phone that renews its registration, as a real Asterisk
// sends them: once without a password, and once more with it. e2e/asterisk compares them.
//
//go:embed testdata/registration.txt
var registrationRequests string

// registration is what Asterisk requests when a phone renews its registration.
func registration(phone string) (all []question) {
	text := strings.NewReplacer("PHONE", phone, "HASH", contact[1:]).Replace(registrationRequests)
	for line := range strings.Lines(text) {
		path, form, _ := strings.Cut(strings.TrimSpace(line), " ")
		q := question{request: request{path, form}}
		table, operation, _ := strings.Cut(path[1:], "/")
		switch operation {
		case "single":
			id, _ := url.QueryUnescape(strings.TrimPrefix(form, "id="))
			q.rows = "SELECT * FROM " + table + " WHERE id = '" + id + "'"
		case "multi":
			q.rows = "SELECT * FROM " + table + " WHERE id = '" + phone + "^3B" + contact + "'"
		}
		all = append(all, q)
	}
	return all
}
