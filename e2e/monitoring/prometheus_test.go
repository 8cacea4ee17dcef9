//go:build e2e

package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"dbsep/internal/testenv"
)

// A prometheus is a real one that watches gateways, with the rules.
type prometheus struct {
	*testenv.Process
	address string
}

// watch starts a Prometheus with the manual's configuration, only quicker.
func watch(t *testing.T, targets ...string) *prometheus {
	t.Helper()
	need(t, "prometheus")
	dir := t.TempDir()
	file, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(targets)
	if err != nil {
		t.Fatal(err)
	}
	text := testenv.OpenPage(t, page).Block(t, "prometheus.yml",
		"scrape_interval: 15s", "scrape_interval: 200ms\n  evaluation_interval: 200ms",
		"/etc/prometheus/dbsep.rules.yml", file,
		`["127.0.0.1:8001"]`, string(quoted))
	conf := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{address: testenv.FreeAddress(t)}
	p.Process = testenv.Start(t, nil, "prometheus", "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"),
		"--web.listen-address="+p.address, "--log.level=warn")
	testenv.WaitFor(t, "prometheus", p.Process, func(ctx context.Context) error {
		body, response, err := ask(ctx, "http://"+p.address+"/-/ready", "")
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", response.Status, body)
		}
		return err
	})
	return p
}

// need skips a test whose program is missing; make e2e sees to it that none is.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// api queries Prometheus' HTTP API and reads the data of the response.
func (p *prometheus) api(ctx context.Context, path string, query url.Values, into any) error {
	body, _, err := ask(ctx, "http://"+p.address+"/api/v1/"+path+"?"+query.Encode(), "")
	if err != nil {
		return err
	}
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", query, answer.Error)
	}
	return json.Unmarshal(answer.Data, into)
}

// labels are those of a series, its name among them as __name__.
type labels map[string]string

// query returns the series that an expression has now.
func (p *prometheus) query(ctx context.Context, expression string) ([]labels, error) {
	var answer struct {
		Result []struct{ Metric labels }
	}
	if err := p.api(ctx, "query", url.Values{"query": {expression}}, &answer); err != nil {
		return nil, err
	}
	var all []labels
	for _, r := range answer.Result {
		all = append(all, r.Metric)
	}
	return all, nil
}

// A rule is an alert, or a recorded series, as Prometheus has understood it.
type rule struct {
	Name, Query, Type string
	Labels            labels
	Alerts            []struct {
		State  string
		Labels labels
	}
}

func (p *prometheus) rules(t *testing.T) (all []rule) {
	t.Helper()
	var answer struct{ Groups []struct{ Rules []rule } }
	if err := p.api(t.Context(), "rules", nil, &answer); err != nil {
		t.Fatal(err)
	}
	for _, g := range answer.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("Prometheus has no rules")
	}
	return all
}

// wantAlert waits until an alert has a state for an instance.
func (p *prometheus) wantAlert(t *testing.T, name, instance, state string) {
	t.Helper()
	testenv.WaitFor(t, name+" "+state, p.Process, func(ctx context.Context) error {
		got, err := p.query(ctx, fmt.Sprintf("ALERTS{alertname=%q, instance=%q, alertstate=%q}", name, instance, state))
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("%d alerts", len(got))
		}
		return err
	})
}

func TestPromtool(t *testing.T) {
	need(t, "promtool")
	g := serve(t, false)
	if err := g.work(t.Context()); err != nil {
		t.Fatal(err)
	}
	series, _, err := ask(t.Context(), "http://"+g.state+"/metrics", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, stdin string
		arguments   []string
	}{
		{"the rules are right", "", []string{"check", "rules", "--lint-fatal", rules}},
		{"each alert fires, and does not, when it should", "", []string{"test", "rules", ruleTests}},
		{"the series are as series should be", series, []string{"check", "metrics"}},
	} {
		testenv.Feature(t, "promtool", test.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "promtool", test.arguments...)
			cmd.Stdin = bytes.NewBufferString(test.stdin)
			out, err := cmd.CombinedOutput()
			if err != nil || test.stdin != "" && len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestAlertsOfARealOutage has three gateways: one that is well, one without its
// database, one that is not there.
func TestAlertsOfARealOutage(t *testing.T) {
	well, away := serve(t, false), serve(t, true)
	missing := testenv.FreeAddress(t)
	p := watch(t, well.state, away.state, missing)
	for _, feature := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"a server that is not there", func(t *testing.T) { p.wantAlert(t, "DbsepDown", missing, "pending") }},
		{"a database that is away", func(t *testing.T) {
			p.wantAlert(t, "DbsepDatabaseDown", away.state, "pending")
			if body, response, err := ask(t.Context(), "http://"+away.state+"/readyz", ""); err != nil || response.StatusCode != http.StatusServiceUnavailable || body == "" {
				t.Errorf("%q, %v", body, err)
			}
		}},
		{"a reload that is refused, and one that is done", func(t *testing.T) {
			well.reload(t, "access=perhaps", "reload refused")
			p.wantAlert(t, "DbsepReloadRefused", well.state, "firing")
			well.reload(t, "access=no", "msg=reloaded")
			testenv.WaitFor(t, "the alert's end", p.Process, func(ctx context.Context) error {
				got, err := p.query(ctx, `ALERTS{alertname="DbsepReloadRefused"}`)
				if err == nil && len(got) > 0 {
					err = fmt.Errorf("%v", got)
				}
				return err
			})
		}},
		{"no other alert", func(t *testing.T) {
			for _, r := range p.rules(t) {
				for _, a := range r.Alerts {
					if !slices.Contains([]string{missing + " DbsepDown", away.state + " DbsepDatabaseDown"}, a.Labels["instance"]+" "+r.Name) {
						t.Errorf("%s %s: %v", r.Name, a.State, a.Labels)
					}
				}
			}
		}},
	} {
		testenv.Feature(t, "prometheus", feature.name, feature.test)
	}
}
