package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// A proxy is one of the SIP proxies whose scripts the manual has.
type proxy struct {
	page    string
	request *regexp.Regexp // a line that sends a request and waits for the response
	async   *regexp.Regexp // a line that sends one and goes on; it names the route of the response
	body    *regexp.Regexp // a use of the body of a response
	code    *regexp.Regexp // the line after a request, which reads the return code
	resume  []string       // the ways to read the return code in the route of a response; one must be there
	good    *regexp.Regexp // the condition of a block that a good response enters
	bad     *regexp.Regexp // the condition of a return on a bad response; nil: there must be a block

	lookups map[string]lookup // all routes that send a request or read a response, by block and name
}

// A lookup is a route with the variables that it gives to the rest of the script,
// as they are when they are empty.
type lookup []string

var opensips = proxy{
	page:    "opensips.md",
	request: regexp.MustCompile(`^\s*\$var\(rc\) = rest_\w+\(`),
	async:   regexp.MustCompile(`^\s*async\(rest_\w+\(.*, (\w+)\);$`),
	body:    regexp.MustCompile(`\$\(?var\(body\)`),
	code:    regexp.MustCompile(`^\s*if \(\$var\(rc\) < 0( \|\||\)$)`),
	resume:  []string{"$var(rc) = $rc;"},
	good:    regexp.MustCompile(`^\$var\(rc\) > 0 && \$var\(status\) == 200$`),
	bad:     regexp.MustCompile(`(^|\|\| )\$var\(status\) != 200$`),
	lookups: map[string]lookup{
		"password.cfg PASSWORD":      {`$var(password) = "";`, `$json(row) := "{}";`},
		"async.cfg PASSWORD_ASYNC":   {},
		"async.cfg PASSWORD_ANSWER":  {`$var(password) = "";`, `$json(row) := "{}";`},
		"members.cfg MEMBERS":        {`$json(rows) := "[]";`},
		"contact.cfg CONTACT_SAVE":   {`$json(count) := "{}";`},
		"contact.cfg CONTACT_REMOVE": {`$json(count) := "{}";`},
		"text.cfg PASSWORD_TEXT":     {`$var(password) = "";`},
	},
}

var kamailio = proxy{
	page:    "kamailio.md",
	request: regexp.MustCompile(`^\s*http_(connect|client_query)\(`),
	async:   regexp.MustCompile(`^\s*if \(!http_async_query\(.*, "(\w+)"\)\) \{$`),
	body:    regexp.MustCompile(`\$\(?(var\(rows?\)|http_rb)`),
	code:    regexp.MustCompile(`^\s*\$var\(status\) = \$rc;$`),
	resume:  []string{"if ($http_ok) {"},
	good:    regexp.MustCompile(`^\$var\(status\) == 200($| &&)`),
	lookups: map[string]lookup{
		"password.cfg PASSWORD":      {`$var(password) = "";`, `$vn(value) = $null;`},
		"query.cfg PASSWORD_QUERY":   {`$var(password) = "";`, `$vn(value) = $null;`},
		"members.cfg MEMBERS":        {`$var(members) = "";`, `$var(count) = 0;`},
		"contact.cfg CONTACT_SAVE":   {`$var(affected) = -1;`},
		"contact.cfg CONTACT_REMOVE": {`$var(affected) = -1;`},
		"async.cfg PASSWORD_ASYNC":   {},
		"async.cfg PASSWORD_ANSWER":  {`$var(status) = 0;`, `$var(password) = "";`, `$vn(value) = $null;`},
		"text.cfg PASSWORD_TEXT":     {`$var(password) = "";`},
	},
}

// rules are what keeps a phone from another phone's password. Each returns what is
// wrong in a route, or nothing.
var rules = []struct {
	name  string
	wrong func(p *proxy, r route, empty lookup) string
}{
	{"the result is emptied before the request, or first of all in the route of the response", (*proxy).notEmptied},
	{"the return code is read directly after the request", (*proxy).codeUnread},
	{"the body is read only where the status is 200", (*proxy).statusUntested},
	{"the route of a response is in the same block", (*proxy).withoutResume},
}

func TestProxyBlocksKeepTheRules(t *testing.T) {
	for _, p := range []*proxy{&opensips, &kamailio} {
		page := testenv.ReadPage(t, p.page)
		seen := map[string]bool{}
		for _, block := range page.Names() {
			for _, r := range routes(page.Block(t, block)) {
				if !p.sends(r) && !slices.ContainsFunc(r.lines, p.readsBody) {
					continue
				}
				id := block + " " + r.name
				seen[id] = true
				empty, ok := p.lookups[id]
				if !ok {
					t.Errorf("%s: %s is not in the table of this test", p.page, id)
				}
				for _, rule := range rules {
					if wrong := rule.wrong(p, r, empty); wrong != "" {
						t.Errorf("%s: %s: not so that %s: %s", p.page, id, rule.name, wrong)
					}
				}
			}
		}
		for id := range p.lookups {
			if !seen[id] {
				t.Errorf("%s has no %s", p.page, id)
			}
		}
	}
}

// TestOpenSIPSBlocksNameNoPasswordInAURL keeps passwords out of OpenSIPS' log, which
// has the URL of each connection that fails.
func TestOpenSIPSBlocksNameNoPasswordInAURL(t *testing.T) {
	page := testenv.ReadPage(t, opensips.page)
	for _, block := range page.Names() {
		if url := regexp.MustCompile(`https?://[^/"\s]*@\S*`).FindString(page.Block(t, block)); url != "" {
			t.Errorf("%s: %s", block, url)
		}
	}
}

// A route is one of a block, with the routes of the whole block beside it.
type route struct {
	name   string
	lines  []string // without comments and empty lines
	others []string // names
}

var (
	routeLine = regexp.MustCompile(`^(?:request_)?route(?:\[(\w+)\])? \{$`)
	comment   = regexp.MustCompile(`\s+# .*$|^#.*$`)
)

// routes divides a block: a route begins and ends at the left margin.
func routes(block string) (all []route) {
	var names []string
	for line := range strings.Lines(block) {
		line = comment.ReplaceAllString(strings.TrimRight(line, "\n"), "")
		if m := routeLine.FindStringSubmatch(line); m != nil {
			all = append(all, route{name: m[1]})
			names = append(names, m[1])
		} else if line != "" && len(all) > 0 {
			last := &all[len(all)-1]
			last.lines = append(last.lines, line)
		}
	}
	for i := range all {
		all[i].others = names
	}
	return all
}

func (p *proxy) sends(r route) bool {
	return slices.ContainsFunc(r.lines, p.request.MatchString) || slices.ContainsFunc(r.lines, sendsAndGoesOn)
}

func sendsAndGoesOn(line string) bool {
	return strings.Contains(line, "async(") || strings.Contains(line, "async_query(")
}

func (p *proxy) readsBody(line string) bool {
	return p.body.MatchString(line) && !p.request.MatchString(line) && !sendsAndGoesOn(line)
}

// requests are the numbers of the lines that send one and wait.
func (p *proxy) requests(r route) (at []int) {
	for i, line := range r.lines {
		if p.request.MatchString(line) {
			at = append(at, i)
		}
	}
	return at
}

func (p *proxy) notEmptied(r route, empty lookup) string {
	first := slices.IndexFunc(r.lines, p.request.MatchString)
	if first < 0 {
		first = slices.IndexFunc(r.lines, func(line string) bool { return p.readsBody(line) || strings.Contains(line, "if (") })
	}
	for _, want := range empty {
		at := slices.IndexFunc(r.lines, func(line string) bool { return strings.TrimSpace(line) == want })
		if at < 0 || at > first {
			return want
		}
	}
	return ""
}

func (p *proxy) codeUnread(r route, _ lookup) string {
	requests := p.requests(r)
	for _, i := range requests {
		if !p.code.MatchString(r.lines[i+1]) {
			return r.lines[i+1]
		}
	}
	if len(requests) > 0 || !slices.ContainsFunc(r.lines, p.readsBody) {
		return ""
	}
	for _, want := range p.resume {
		if slices.ContainsFunc(r.lines, func(line string) bool { return strings.TrimSpace(line) == want }) {
			return p.resumeOrder(r, want)
		}
	}
	return "no " + p.resume[0]
}

// resumeOrder wants OpenSIPS' $rc, which every statement changes, to be saved by the
// first one.
func (p *proxy) resumeOrder(r route, read string) string {
	if strings.HasSuffix(read, "$rc;") && strings.TrimSpace(r.lines[0]) != read {
		return r.lines[0] + " comes before " + read
	}
	return ""
}

func (p *proxy) statusUntested(r route, _ lookup) string {
	last := -1 // the line of the last request
	for i, line := range r.lines {
		if p.request.MatchString(line) {
			last = i
			continue
		}
		if p.readsBody(line) && !p.good200(r, last, i) {
			return line
		}
	}
	return ""
}

// good200 reports whether a line after a request is reached only with status 200.
func (p *proxy) good200(r route, request, line int) bool {
	for i := request + 1; i <= line; i++ {
		condition, ok := strings.CutPrefix(strings.TrimSpace(r.lines[i]), "if (")
		if !ok {
			continue
		}
		if block, ok := strings.CutSuffix(condition, ") {"); ok {
			if p.good.MatchString(block) && line < blockEnd(r.lines, i) {
				return true
			}
			continue
		}
		condition = strings.TrimSuffix(condition, ")")
		if i+1 < line && p.bad != nil && p.bad.MatchString(condition) && indent(r.lines[i]) <= indent(r.lines[line]) &&
			strings.HasPrefix(strings.TrimSpace(r.lines[i+1]), "return(-") {
			return true
		}
	}
	return false
}

// blockEnd is the line that ends the block which begins at a line.
func blockEnd(lines []string, begin int) int {
	for i := begin + 1; i < len(lines); i++ {
		if indent(lines[i]) <= indent(lines[begin]) {
			return i
		}
	}
	return len(lines)
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func (p *proxy) withoutResume(r route, _ lookup) string {
	for _, line := range r.lines {
		if !sendsAndGoesOn(line) {
			continue
		}
		m := p.async.FindStringSubmatch(line)
		if m == nil {
			return line
		}
		if !slices.Contains(r.others, m[1]) {
			return "no route[" + m[1] + "]"
		}
	}
	return ""
}
