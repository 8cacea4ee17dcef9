//go:build bench

package speed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dbsep/internal/mariadbtest"
	"dbsep/internal/testenv"
)

// A pbx is an Asterisk whose endpoints are in a site's database.
type pbx struct {
	*program // its process, under the name of its way to the database
	asterisk *testenv.Asterisk
	site     *site
	gateway  *program // dbsep or the ceiling; nil with a driver of Asterisk's own
	result   *result
	caches   []string // names of what sorcery has in memory
	sip      string   // its address
	queries  int      // of the tests themselves, since a run began
}

// startPBX starts an Asterisk that reaches a site through a gateway, or, without one, by its
// own ODBC driver. Its sorcery keeps in memory what the manual says if cached.
func startPBX(t *testing.T, root string, s *site, gateway *program, cached bool) *pbx {
	t.Helper()
	p := &pbx{program: &program{name: theNative}, asterisk: testenv.NewAsterisk(t, root), site: s, gateway: gateway, sip: freeUDP(t)}
	p.caches = p.asterisk.WriteRegistrar(t, testenv.ReadPage(t, "../../docs/asterisk.md"), p.sip, cached, func(family string) string {
		if gateway == nil {
			return testenv.ODBCDriver + "," + family
		}
		return "curl," + gateway.base + "/" + family
	})
	switch {
	case gateway == nil:
		p.asterisk.WriteODBC(t, s.Site)
	case p.asksCeiling():
		p.name = theCeiling
	default:
		p.name = gateway.name + ", " + s.Kind
	}
	p.asterisk.Write(t, "logger.conf", "[logfiles]\nfull => notice,warning,error\n")
	p.asterisk.Start(t)
	p.pid = p.asterisk.Process.Cmd.Process.Pid
	return p
}

// freeUDP returns an address for UDP on 127.0.0.1 that nobody has now.
func freeUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	defer c.Close()
	return c.LocalAddr().String()
}

// asksCeiling reports whether the contacts are not in a database.
func (p *pbx) asksCeiling() bool { return p.gateway != nil && p.gateway.name == theCeiling }

// spent is what has been spent so far.
type spent struct {
	asterisk, gateway, database time.Duration
	requests                    float64
}

// spent looks at the processes, and counts the requests of the gateway; those of Asterisk's own
// driver are statements.
func (p *pbx) spent(t *testing.T) (s spent) {
	t.Helper()
	s.asterisk = p.usage(t).cpu
	if p.site.pid != 0 {
		s.database = (&program{pid: p.site.pid}).usage(t).cpu
	}
	if p.gateway != nil {
		s.gateway = p.gateway.usage(t).cpu
		s.requests = testenv.Metrics(t, p.gateway.base).Sum("dbsep_http_requests_total")
		return s
	}
	p.queries++
	check(t, mariadbtest.Start(t).Root.QueryRowContext(t.Context(), `SELECT SUM(variable_value) FROM information_schema.global_status
		WHERE variable_name IN ('Com_select', 'Com_insert', 'Com_update', 'Com_delete')`).Scan(&s.requests))
	s.requests -= float64(p.queries)
	return s
}

// settled is what has been spent once Asterisk sends no more requests: some come after the
// response to a phone.
func (p *pbx) settled(t *testing.T) (s spent) {
	t.Helper()
	testenv.WaitFor(t, "the end of a run", nil, func(ctx context.Context) error {
		before := p.spent(t).requests
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
		if s = p.spent(t); s.requests > before {
			return errors.New("Asterisk still sends requests")
		}
		return nil
	})
	return s
}

// contacts counts the rows.
func (p *pbx) contacts(t *testing.T) (n int) {
	t.Helper()
	if p.asksCeiling() {
		return strings.Count(p.gateway.contacts(t, "multi"), "\n")
	}
	p.queries++
	check(t, p.site.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM ps_contacts").Scan(&n))
	return n
}

// register lets so many phones register, so many of them at a time. Each of them has to be
// registered in the end. What counts is the time until nine of ten were: the last ones wait
// for nobody.
func (p *pbx) register(t *testing.T, phones, atOnce int) (m measurement, err error) {
	t.Helper()
	if p.site.exec(t, "DELETE FROM ps_contacts"); p.asksCeiling() {
		p.gateway.contacts(t, "destroy")
	}
	for _, name := range p.caches {
		p.asterisk.ForgetCached(t, name)
	}
	runs++
	log := filepath.Join(t.TempDir(), "errors")
	const rate = 10_000 // a second at most: the next one comes as soon as one is done
	sipp := exec.CommandContext(t.Context(), "sipp", p.sip, "-sf", "register.xml", "-oocsf", "notify.xml", "-inf", phoneList(t, phones),
		"-key", "run", strconv.Itoa(runs), "-i", "127.0.0.1", "-t", "u1", "-m", strconv.Itoa(phones), "-l", strconv.Itoa(atOnce), "-r", strconv.Itoa(rate),
		"-nostdin", "-recv_timeout", "60000", "-trace_err", "-error_file", log)
	p.queries = 0
	before, begun := p.settled(t), time.Now()
	check(t, sipp.Start())
	ended := make(chan error, 1)
	go func() { ended <- sipp.Wait() }()
	look := time.NewTicker(25 * time.Millisecond)
	defer look.Stop()
	for running := true; running; {
		select {
		case err = <-ended:
			running = false
		case <-look.C:
		}
		if n := p.contacts(t); m.rate == 0 && n >= phones*9/10 {
			m.rate = float64(n) / time.Since(begun).Seconds()
		}
	}
	if err != nil {
		text, _ := os.ReadFile(log)
		_, why, _ := strings.Cut(string(text), "Aborting")
		return m, fmt.Errorf("sipp: %w: %.2000s", err, why)
	}
	after := p.settled(t)
	if n := p.contacts(t); n != phones {
		return m, fmt.Errorf("%d of %d contacts are stored", n, phones)
	}
	each := func(before, after time.Duration) time.Duration { return (after - before) / time.Duration(phones) }
	m.cpu, m.gateway, m.database = each(before.asterisk, after.asterisk), each(before.gateway, after.gateway), each(before.database, after.database)
	m.requests = (after.requests - before.requests) / float64(phones)
	return m, nil
}

// phoneList writes a file of phones for sipp.
func phoneList(t *testing.T, phones int) (file string) {
	t.Helper()
	list := "SEQUENTIAL\n"
	for i := range phones {
		list += fmt.Sprintf("phone%05d;[authentication username=phone%05[1]d password=secret%05[1]d]\n", i)
	}
	file = filepath.Join(t.TempDir(), "phones")
	check(t, os.WriteFile(file, []byte(list), 0o644))
	return file
}
