package testenv

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"
)

// An Outage is a time in which a site's database cannot be reached, or, being a
// file, is locked by somebody else.
type Outage struct {
	site  *Site
	relay *Relay    // of a server
	lock  *sql.Conn // of a file, while it lasts
}

var portOfDSN = regexp.MustCompile(`port=(\d+)`)

// NewOutage makes outages of a site possible. It must come before dbsep reads
// the site's configuration.
func NewOutage(t testing.TB, s *Site) *Outage {
	t.Helper()
	o := &Outage{site: s}
	conf := read(t, s.Conf)
	if port := portOfDSN.FindStringSubmatch(conf); port != nil {
		o.relay = NewRelay(t, "127.0.0.1:"+port[1])
		check(t, os.WriteFile(s.Conf, []byte(portOfDSN.ReplaceAllString(conf, "port="+o.relay.Port())), 0o644))
	}
	return o
}

// Begin begins one.
func (o *Outage) Begin(t testing.TB) {
	t.Helper()
	if o.relay != nil {
		o.relay.Cut()
		return
	}
	var err error
	o.lock, err = o.site.DB.Conn(t.Context())
	check(t, err)
	_, err = o.lock.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	check(t, err)
}

// End ends it, and waits until dbsep, which looks for its database now and then,
// serves a read again.
func (o *Outage) End(t testing.TB, answers func(context.Context) error) {
	t.Helper()
	if o.relay != nil {
		o.relay.Open(t)
	} else {
		_, err := o.lock.ExecContext(t.Context(), "ROLLBACK")
		check(t, err)
		check(t, o.lock.Close())
	}
	WaitFor(t, "an answer after the outage", nil, answers)
}

// Answers sends a request to a URL, whose response must be good.
func Answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, response.Status)
		}
		return nil
	}
}
