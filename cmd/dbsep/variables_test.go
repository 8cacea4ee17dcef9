package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// webRequests are requests as web servers describe them. A variable with the value
// "none" is not sent. Unless a case says so, they have a body and its length.
var webRequests = []struct {
	name      string
	variables map[string]string
	body      string
	want      string // in text; the whole body of the response
	code      string
}{
	// Which path counts. The table ps_aors has the row bob, too.
	{"PATH_INFO", map[string]string{"SCRIPT_NAME": "/cgi-bin/dbsep.cgi", "PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "REQUEST_URI": "/cgi-bin/dbsep.cgi/ps_aors/update?id=bob"}, "max_contacts=2", "1\n", ""},
	{"PATH_INFO, rewritten by Apache", map[string]string{"SCRIPT_NAME": "/fcgi-bin/dbsep.cgi", "PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "REQUEST_URI": "/fasterisk/ps_endpoints/update?id=bob"}, "max_contacts=2", "1\n", ""},
	{"PATH_INFO, and another query", map[string]string{"SCRIPT_NAME": "/fcgi-bin/dbsep.cgi", "PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=nobody", "REQUEST_URI": "/ps_aors/update?id=bob"}, "max_contacts=2", "0\n", ""},
	{"SCRIPT_NAME, as nginx has it", map[string]string{"SCRIPT_NAME": "/cgi-bin/dbsep.cgi/ps_aors/update", "QUERY_STRING": "id=bob", "REQUEST_URI": "/cgi-bin/dbsep.cgi/ps_aors/update?id=bob"}, "max_contacts=2", "1\n", ""},
	{"SCRIPT_NAME, rewritten by nginx", map[string]string{"SCRIPT_NAME": "/cgi-bin/dbsep.cgi/ps_aors/update", "QUERY_STRING": "id=bob", "REQUEST_URI": "/fasterisk/ps_endpoints/update?id=bob"}, "max_contacts=2", "1\n", ""},
	{"SCRIPT_NAME and an empty PATH_INFO", map[string]string{"SCRIPT_NAME": "/x/ps_aors/update/", "PATH_INFO": "", "QUERY_STRING": "id=bob", "REQUEST_URI": "/ps_endpoints/update"}, "max_contacts=2", "1\n", ""},
	{"REQUEST_URI and nothing else", map[string]string{"REQUEST_URI": "/cgi-bin/dbsep.cgi/ps_aors/update?id=bob"}, "max_contacts=2", "1\n", ""},
	{"REQUEST_URI, with a fixed SCRIPT_NAME", map[string]string{"SCRIPT_NAME": "/cgi-bin/dbsep.cgi", "QUERY_STRING": "id=bob", "REQUEST_URI": "/cgi-bin/dbsep.cgi/ps_%61ors/update?id=bob"}, "max_contacts=2", "1\n", ""},
	{"REQUEST_URI, of a request that was rewritten to no path", map[string]string{"SCRIPT_NAME": "/cgi-bin/dbsep.cgi", "QUERY_STRING": "id=bob", "REQUEST_URI": "/fasterisk/ps_aors/update?id=bob"}, "max_contacts=2", "-1\n", "unknown-operation"},
	{"a rewritten static file", map[string]string{"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/d", "PATH_INFO": "/nosuch/static", "QUERY_STRING": "file=a.conf", "REQUEST_URI": "/config/a.conf"}, "", kept("unknown-table"), "unknown-table"},
	{"no path at all", map[string]string{}, "id=bob", "-1\n", "unknown-operation"},
	{"no path at all, by GET", map[string]string{"REQUEST_METHOD": "GET"}, "", "", "unknown-operation"},
	{"a path with a percent sign", map[string]string{"PATH_INFO": "/100%/update", "QUERY_STRING": "id=bob"}, "max_contacts=2", "-1\n", "unknown-table"},

	// What net/http/cgi cannot parse.
	{"an odd Host", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "HTTP_HOST": "a b:[%"}, "max_contacts=2", "1\n", ""},
	{"an odd URI", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "REQUEST_URI": "/%zz\x7f"}, "max_contacts=2", "1\n", ""},
	{"an odd URI and no other", map[string]string{"REQUEST_URI": "/%zz/update"}, "max_contacts=2", "-1\n", "unknown-table"},
	{"a length that is no number", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "CONTENT_LENGTH": "abc"}, "max_contacts=2", "-1\n", "no-value"},
	{"a negative length", map[string]string{"PATH_INFO": "/ps_aors/store", "CONTENT_LENGTH": "-5"}, "id=x", "-1\n", "no-value"},
	{"a length too large", map[string]string{"PATH_INFO": "/ps_aors/store", "CONTENT_LENGTH": "99999999999999999999"}, "id=x", "-1\n", "no-value"},
	{"an odd length of a read", map[string]string{"PATH_INFO": "/ps_aors/single", "CONTENT_LENGTH": "abc"}, "id=bob", "", "no-condition"},
	{"an odd protocol", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "SERVER_PROTOCOL": "http/one"}, "max_contacts=2", "1\n", ""},
	{"no protocol", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "SERVER_PROTOCOL": "none"}, "max_contacts=2", "1\n", ""},
	{"no method", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "REQUEST_METHOD": "none"}, "max_contacts=2", "-1\n", "method-not-allowed"},
	{"an odd method", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob", "REQUEST_METHOD": "PO ST"}, "max_contacts=2", "-1\n", "method-not-allowed"},
	{"a long URI", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob&x=" + strings.Repeat("x", 70000), "REQUEST_URI": "/"}, "max_contacts=2", "-1\n", "unknown-column"},
}

// TestRequestsOfWebServers shows that CGI and FastCGI read a request alike.
func TestRequestsOfWebServers(t *testing.T) {
	dir := sampleSite(t)
	_, socket := startFastCGI(t, dir)
	for _, test := range webRequests {
		variables := map[string]string{
			"REQUEST_METHOD": "POST", "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": fmt.Sprint(len(test.body)),
			"CONTENT_TYPE": "application/x-www-form-urlencoded", "REMOTE_ADDR": "192.0.2.1",
		}
		maps.Copy(variables, test.variables)
		maps.DeleteFunc(variables, func(_, value string) bool { return value == "none" })
		for way, send := range map[string]func() string{
			"CGI":     func() string { return sendCGI(t, dir, variables, test.body) },
			"FastCGI": func() string { return sendFastCGI(t, socket, variables, test.body) },
		} {
			t.Run(way+"/"+test.name, func(t *testing.T) {
				head, body, _ := strings.Cut(send(), "\r\n\r\n")
				code := ""
				for line := range strings.Lines(head) {
					if value, ok := strings.CutPrefix(line, "X-Dbsep-Error: "); ok {
						code = strings.TrimSpace(value)
					}
				}
				if body != test.want || code != test.code {
					t.Errorf("got %q, %q, want %q, %q", code, body, test.code, test.want)
				}
				if !strings.Contains(head+"\r\n", "\r\nCache-Control: no-store\r\n") {
					t.Errorf("the response may be cached: %q", head)
				}
			})
		}
	}
}

func sendCGI(t *testing.T, dir string, variables map[string]string, body string) string {
	t.Helper()
	cmd := exec.Command("dbsep.cgi")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(line string) bool { return strings.HasPrefix(line, "HTTP_") })
	cmd.Env = append(cmd.Env, "GATEWAY_INTERFACE=CGI/1.1", "DBSEP_CONF="+filepath.Join(dir, "dbsep.conf"), "GORACE=atexit_sleep_ms=0")
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin = strings.NewReader(body)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	return string(out)
}

func sendFastCGI(t *testing.T, socket string, variables map[string]string, body string) string {
	t.Helper()
	c := fastCGI{dial(t, "unix", socket)}
	c.beginWith(t, variables)
	c.body(t, body)
	return c.response(t)
}

// TestFastCGIWithBrokenVariables shows that truncated variables get a response, too.
func TestFastCGIWithBrokenVariables(t *testing.T) {
	_, socket := startFastCGI(t, sampleSite(t))
	c := fastCGI{dial(t, "unix", socket)}
	c.send(t, fcgiBegin, []byte{0, 1, 0, 0, 0, 0, 0, 0})
	c.send(t, fcgiParams, []byte("\x0e\x04REQUEST_METHODPOST\x09\x0fPATH_INFO/ps_aors/update\x09\x70CUT_SHORT"))
	c.send(t, fcgiParams, nil)
	c.body(t, "id=bob")
	if got := c.response(t); !strings.HasSuffix(got, "\r\n\r\n-1\n") {
		t.Errorf("got %q", got)
	}
}
