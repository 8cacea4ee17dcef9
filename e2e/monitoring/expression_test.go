//go:build e2e

package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	codes "dbsep/gateway"
	"dbsep/internal/testenv"
)

// grammar are the words of PromQL that the rules and the dashboard use. Every
// other word in an expression is a series, and must be there.
var grammar = strings.Fields("sum min max count topk by on ignoring and or unless group_left offset " +
	"rate increase changes avg_over_time histogram_quantile absent time vector label_values")

var (
	matchers = regexp.MustCompile(`\{[^}]*\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\b(?:by|on|ignoring|group_left)\s*\(([^)]*)\)`)
	window   = regexp.MustCompile(`\[[^]]*\]|\boffset\s+\w+`)
	word     = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
)

// unknown reports what an expression uses that no series has: a name, a label, or a
// value of the labels that have few.
func (p *prometheus) unknown(ctx context.Context, expression string) error {
	var wrong []error
	bare := matchers.ReplaceAllString(window.ReplaceAllString(expression, ""), "")
	found := labels{}
	for _, name := range word.FindAllString(grouping.ReplaceAllString(bare, ""), -1) {
		if slices.Contains(grammar, name) {
			continue
		}
		all, err := p.query(ctx, "{__name__=~\""+name+"(_bucket)?\"}")
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("there is no series %s", name)
		}
		wrong = append(wrong, err)
		for _, one := range all {
			for label, value := range one {
				found[label] += "|" + value
			}
		}
	}
	used := []string{}
	for _, m := range matcher.FindAllStringSubmatch(expression, -1) {
		used = append(used, m[1])
		wrong = append(wrong, unknownValue(m[1], m[2], found))
	}
	for _, g := range grouping.FindAllStringSubmatch(bare, -1) {
		used = append(used, word.FindAllString(g[1], -1)...)
	}
	for _, label := range used {
		if found[label] == "" {
			wrong = append(wrong, fmt.Errorf("no series has a label %s", label))
		}
	}
	return errors.Join(wrong...)
}

// unknownValue looks at the words of a matcher. Codes are those of the catalogue,
// since not all of them can be had here; others must have been seen.
func unknownValue(label, pattern string, found labels) error {
	for value := range strings.SplitSeq(pattern, "|") {
		switch known := strings.Split(found[label], "|"); {
		case label == "job" || strings.ContainsAny(value, ".$"):
		case label == "code":
			if value != "ok" && !slices.ContainsFunc(codes.Catalogue, func(e codes.Entry) bool { return string(e.Code) == value }) {
				return fmt.Errorf("there is no code %s", value)
			}
		case !slices.Contains(known, value):
			return fmt.Errorf("no series has %s=%q", label, value)
		}
	}
	return nil
}

// panels finds every expression of the dashboard, by the panel that has it, with
// its variables replaced as Grafana does.
func panels(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			all[p.Title+" "+target.RefID] = target.Expr
		}
	}
	replace := []string{"$__rate_interval", "1m"}
	for _, v := range board.Templating.List {
		replace = append(replace, "$"+v.Name, ".*")
		if v.Type == "query" {
			series, label, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ")"), ", "+v.Name)
			if label != "" {
				t.Errorf("the variable %s is not a label of its own name: %s", v.Name, v.Definition)
			}
			all["variable "+v.Name] = "count by (" + v.Name + ") (" + series + ")"
		}
	}
	for panel, expression := range all {
		if all[panel] = strings.NewReplacer(replace...).Replace(expression); strings.Contains(all[panel], "$") {
			t.Errorf("%s has a variable that the dashboard does not: %s", panel, expression)
		}
	}
	return all
}

func TestExpressions(t *testing.T) {
	g := serve(t, false)
	p := watch(t, g.state)
	boards := panels(t)
	testenv.Feature(t, "dashboard", "every panel shows something", func(t *testing.T) {
		for _, panel := range slices.Sorted(maps.Keys(boards)) {
			testenv.WaitFor(t, panel+": "+boards[panel], p.Process, func(ctx context.Context) error {
				if err := g.work(ctx); err != nil {
					return err
				}
				got, err := p.query(ctx, boards[panel])
				if err == nil && len(got) == 0 {
					err = errors.New("nothing to show")
				}
				return err
			})
		}
	})
	testenv.Feature(t, "dashboard", "every series and label is there", func(t *testing.T) {
		for panel, expression := range boards {
			if err := p.unknown(t.Context(), expression); err != nil {
				t.Errorf("%s: %v\n%s", panel, err, expression)
			}
		}
	})
	testenv.Feature(t, "alerts", "every series and label is there", func(t *testing.T) {
		for _, r := range p.rules(t) {
			if err := p.unknown(t.Context(), r.Query); err != nil {
				t.Errorf("%s: %v\n%s", r.Name, err, r.Query)
			}
		}
	})
	testenv.Feature(t, "alerts", "what is asked for in vain is found out", func(t *testing.T) {
		for _, wrong := range []string{
			"rate(dbsep_request_total[5m])", `dbsep_http_requests_total{kode="ok"}`, `dbsep_http_requests_total{code=~"ok|timed-out"}`,
			`dbsep_request_adjustments_total{note="cut"}`, "sum by (database) (dbsep_db_up)",
		} {
			if p.unknown(t.Context(), wrong) == nil {
				t.Errorf("nothing is wrong with %s", wrong)
			}
		}
	})
	testenv.Feature(t, "alerts", "every fault of dbsep or the database is one", func(t *testing.T) { wantFaults(t, p) })
	testenv.Feature(t, "alerts", "each is in the manual, and has a test", func(t *testing.T) { wantTold(t, p) })
}

// wantFaults fails the test unless the alerts divide the codes as the catalogue
// does: those with a status of 500 and more are dbsep's or the database's fault.
func wantFaults(t *testing.T, p *prometheus) {
	for _, r := range p.rules(t) {
		var listed []string
		switch m := matcher.FindStringSubmatch(r.Query); r.Name {
		case "DbsepRequestsFail", "DbsepRequestsRefused":
			listed = strings.Split(m[2], "|")
		default:
			continue
		}
		for _, e := range codes.Catalogue {
			if e.Status >= 500 != slices.Contains(listed, string(e.Code)) && (r.Name == "DbsepRequestsFail" || e.Status >= 500) {
				t.Errorf("%s: %s has status %d", r.Name, e.Code, e.Status)
			}
		}
	}
}

// wantTold fails the test unless the manual's table of alerts is that of the
// rules, and each fires in some test of promtool's.
func wantTold(t *testing.T, p *prometheus) {
	manual, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(ruleTests)
	if err != nil {
		t.Fatal(err)
	}
	alerts := 0
	for _, r := range p.rules(t) {
		if r.Type != "alerting" {
			continue
		}
		alerts++
		if !strings.Contains(string(manual), "| `"+r.Name+"` | "+r.Labels["severity"]+" |") {
			t.Errorf("the manual does not tell of %s, %s", r.Name, r.Labels["severity"])
		}
		if !strings.Contains(string(tests), `alertname="`+r.Name+`"`) {
			t.Errorf("no test has %s fire", r.Name)
		}
	}
	if told := strings.Count(string(manual), "\n| `Dbsep"); told != alerts {
		t.Errorf("the manual tells of %d alerts, there are %d", told, alerts)
	}
}
