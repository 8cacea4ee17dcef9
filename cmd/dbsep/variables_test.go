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
	{"HEAD", map[string]string{"REQUEST_METHOD": "HEAD", "PATH_INFO": "/ps_aors/single", "QUERY_STRING": "id=bob"}, "", "", ""},
	{"HEAD of an error", map[string]string{"REQUEST_METHOD": "HEAD", "PATH_INFO": "/nosuch/static", "QUERY_STRING": "file=a.conf"}, "", "", "unknown-table"},
	{"a long URI", map[string]string{"PATH_INFO": "/ps_aors/update", "QUERY_STRING": "id=bob&x=" + strings.Repeat("x", 70000), "REQUEST_URI": "/"}, "max_contacts=2", "-1\n", "unknown-column"},
}

// TestRequestsOfWebServers shows that CGI, FastCGI and the server's socket for web servers read
// a request alike.
func TestRequestsOfWebServers(t *testing.T) {
	dir := sampleSite(t)
	_, socket := startFastCGI(t, dir)
	ofServer := startCGIListener(t, dir, "")
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
			"server":  func() string { return sendFastCGI(t, ofServer.socket, variables, test.body) },
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

// invalidVariables are the counterparts of the requests in invalid, as far as a web
// server passes them on, with "none" as in webRequests.
var invalidVariables = []struct {
	name      string
	variables map[string]string
}{
	{"no Host", map[string]string{"HTTP_HOST": "none"}},
	{"two Hosts", map[string]string{"HTTP_HOST": "x, y"}},
	{"an invalid Host", map[string]string{"HTTP_HOST": "a b:[%"}},
	{"a Host of control characters", map[string]string{"HTTP_HOST": "\x01\x7f\r\n"}},
	{"a negative length", map[string]string{"CONTENT_LENGTH": "-9"}},
	{"a length that is not a number", map[string]string{"CONTENT_LENGTH": "nine"}},
	{"an empty length", map[string]string{"CONTENT_LENGTH": ""}},
	{"no length", map[string]string{"CONTENT_LENGTH": "none"}},
	{"two lengths", map[string]string{"CONTENT_LENGTH": "9, 8"}},
	{"a length too large", map[string]string{"CONTENT_LENGTH": "99999999999999999999"}},
	{"a length of more than there is", map[string]string{"CONTENT_LENGTH": "100"}},
	{"a length of less than there is", map[string]string{"CONTENT_LENGTH": "3"}},
	{"an unknown transfer encoding", map[string]string{"HTTP_TRANSFER_ENCODING": "gzip"}},
	{"a URI with %zz", map[string]string{"REQUEST_URI": "/%zz"}},
	{"a URI with a space", map[string]string{"REQUEST_URI": "/a b"}},
	{"a URI without a slash", map[string]string{"REQUEST_URI": "x"}},
	{"a URI of control characters", map[string]string{"REQUEST_URI": "/\x01\r\n"}},
	{"a URI of another kind", map[string]string{"REQUEST_URI": "http://x:y:z/"}},
	{"an empty URI", map[string]string{"REQUEST_URI": ""}},
	{"a SCRIPT_NAME with %zz", map[string]string{"SCRIPT_NAME": "/%zz"}},
	{"a long header", map[string]string{"HTTP_X": strings.Repeat("x", 100<<10)}},
	{"a header of control characters", map[string]string{"HTTP_X": "\x01\r\n", "HTTP_X_REQUEST_ID": "\x01\r\n"}},
	{"another expectation", map[string]string{"HTTP_EXPECT": "200-ok"}},
	{"HTTP/3.0", map[string]string{"SERVER_PROTOCOL": "HTTP/3.0"}},
	{"HTTP/0.9", map[string]string{"SERVER_PROTOCOL": "HTTP/0.9"}},
	{"a protocol that is none", map[string]string{"SERVER_PROTOCOL": "INCLUDED"}},
	{"no protocol", map[string]string{"SERVER_PROTOCOL": "none"}},
	{"an odd address", map[string]string{"REMOTE_ADDR": "x y", "REMOTE_PORT": "no"}},
	{"no address", map[string]string{"REMOTE_ADDR": "none"}},
	{"odd HTTPS", map[string]string{"HTTPS": "\xff"}},
	{"an odd content type", map[string]string{"CONTENT_TYPE": "\xff;;="}},
}

// TestInvalidRequestsOfWebServersAreRefusedSafely sends each operation, for a table that
// does not exist, with each of these variables: what a library responds by itself never
// reaches Asterisk.
func TestInvalidRequestsOfWebServersAreRefusedSafely(t *testing.T) {
	dir := sampleSite(t)
	_, socket := startFastCGI(t, dir)
	ofServer := startCGIListener(t, dir, "")
	for _, test := range invalidVariables {
		for _, o := range operationsOfAsterisk("") {
			path, query, _ := strings.Cut(o.target, "?")
			variables := map[string]string{
				"REQUEST_METHOD": o.method, "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": "9", "REMOTE_ADDR": "192.0.2.1", "HTTP_HOST": "x",
				"PATH_INFO": strings.NewReplacer("ps_endpoints", "nosuch", "ast_config", "nosuch").Replace(path), "QUERY_STRING": query,
			}
			maps.Copy(variables, test.variables)
			maps.DeleteFunc(variables, func(_, value string) bool { return value == "none" })
			for way, send := range map[string]func() string{
				"CGI":     func() string { return sendCGI(t, dir, variables, "id=nobody") },
				"FastCGI": func() string { return sendFastCGI(t, socket, variables, "id=nobody") },
				"server":  func() string { return sendFastCGI(t, ofServer.socket, variables, "id=nobody") },
			} {
				head, body, _ := strings.Cut(send(), "\r\n\r\n")
				_, code, _ := strings.Cut(head, "X-Dbsep-Error: ")
				code, _, _ = strings.Cut(code, "\r\n")
				want := strings.TrimSuffix(o.body, "\n")
				if strings.HasSuffix(path, "/static") {
					want = strings.TrimSuffix(kept(code), "\n")
				}
				if strings.TrimSuffix(body, "\n") != want || code == "" || code == "internal" {
					t.Errorf("%s: %s: %s %s: got %q, %q", way, test.name, o.method, o.target, head, body)
				}
			}
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
