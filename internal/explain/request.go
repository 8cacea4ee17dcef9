package explain

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"dbsep/gateway"
	"dbsep/internal/compare"
	"dbsep/internal/logging"
)

// A Request is one that is explained, and its client.
type Request struct {
	compare.Request
	Client Client
}

// A Client is the sender of a request, as far as it is known.
type Client struct {
	Address     netip.Addr
	User        string
	Certificate string
}

// clientKinds are the words by which Set knows what is said of a client.
const clientKinds = "user:NAME, certificate:NAME, address:ADDRESS, or name:NAME for a user or a certificate"

// Set adds what is known of a client, such as user:alice.
func (c *Client) Set(text string) (err error) {
	kind, value, found := strings.Cut(text, ":")
	switch {
	case !found || value == "":
		kind = ""
	case kind == "address":
		if c.Address, err = netip.ParseAddr(value); err != nil {
			return fmt.Errorf("%q is not an IP address: write it as in address:192.0.2.1", value)
		}
	}
	switch kind {
	case "user":
		c.User = value
	case "certificate":
		c.Certificate = value
	case "name":
		c.User, c.Certificate = value, value
	case "address":
	default:
		return fmt.Errorf("%q names no client: write %s", text, clientKinds)
	}
	return nil
}

// Parse reads what is explained: TABLE/OPERATION, a line of dbsep's log or of its access log, a
// line of a web server's access log, or a recorded request. fields are written as
// [gateway.ParseArgument] reads them: all fields but the new values of an update, which are in
// set. A line that has no values takes them from there.
func Parse(text string, fields, set []string) (Request, error) {
	if !strings.ContainsAny(text, `{"`) && !strings.Contains(text, "level=") {
		return parseTarget(text, fields, set)
	}
	if line, err := logging.ParseLine(text); err == nil {
		return parseLogLine(line, fields, set)
	}
	recorded, err := compare.ParseRequest(text)
	switch {
	case err != nil:
		return Request{}, fmt.Errorf("%w, nor a line of dbsep's log", err)
	case len(fields)+len(set) == 0:
		return Request{Request: recorded}, nil
	case recorded.Complete():
		return Request{}, errors.New("the request has its own fields: name no others")
	}
	return newRequest(recorded.Path, recorded.Method, fields, set)
}

// parseTarget reads TABLE/OPERATION, or the end of a URL, which may have a query string.
func parseTarget(target string, fields, set []string) (Request, error) {
	path, query, _ := strings.Cut(target, "?")
	if !strings.Contains(strings.Trim(path, "/"), "/") {
		return Request{}, fmt.Errorf("%q names no operation: write TABLE/OPERATION, as in ps_contacts/multi; %s", target, operations())
	}
	r, err := newRequest(path, http.MethodPost, fields, set)
	switch {
	case err != nil || query == "":
	case r.Query == "" && r.operation() == "update":
		r.Query = query
	case !r.Complete():
		r.Method, r.Query = http.MethodGet, query
	default:
		err = errors.New("the URL has fields behind its ?: name no others")
	}
	return r, err
}

func operations() string {
	var names []string
	for _, o := range gateway.Operations() {
		names = append(names, o.Name)
	}
	return "the operations are " + strings.Join(names, ", ")
}

// newRequest returns the request that Asterisk sends for some fields.
func newRequest(path, method string, fields, set []string) (Request, error) {
	if u, err := url.Parse(path); err == nil && u.Host != "" {
		path = u.EscapedPath()
	}
	r := Request{Request: compare.Request{Method: method, Path: "/" + strings.TrimLeft(path, "/")}}
	switch r.operation() {
	case "update":
		r.Query, r.Body = encode(fields), encode(set)
		return r, nil
	case "static":
		r.Method, r.Query = http.MethodGet, encode(fields)
	default:
		r.Body = encode(fields)
		if method == http.MethodGet {
			r.Query, r.Body = r.Body, ""
		}
	}
	if len(set) > 0 {
		return r, errors.New("--set is for the new values of an update: write the fields of other operations behind TABLE/OPERATION")
	}
	return r, nil
}

// operation is the operation without what selects JSON.
func (r Request) operation() string { return strings.TrimSuffix(r.Operation(), ".json") }

// encode writes a form as Asterisk does.
func encode(arguments []string) string {
	pairs := make([]string, len(arguments))
	for i, a := range arguments {
		f := gateway.ParseArgument(a)
		pairs[i] = url.QueryEscape(f.Name) + "=" + url.QueryEscape(f.Value)
	}
	return strings.ReplaceAll(strings.Join(pairs, "&"), "+", "%20")
}

// parseLogLine reads the request of a line of dbsep's log, and its client. Without other fields
// they are those of the command in the line.
func parseLogLine(line map[string]string, fields, set []string) (Request, error) {
	target := url.PathEscape(line["table"]) + "/" + line["operation"]
	if line["table"] == "" || line["operation"] == "" {
		return Request{}, errors.New("the line is not about a request of a table")
	}
	if len(fields)+len(set) == 0 {
		if fields, set = fieldsOf(line["explain"]); len(fields)+len(set) == 0 {
			return Request{}, fmt.Errorf("the line has no fields: add them, as in dbsep explain %s 'id=alice'", target)
		}
	}
	r, err := newRequest(target, http.MethodPost, fields, set)
	r.Client.User, r.Client.Certificate = line["user"], line["user"]
	r.Client.Address, _ = netip.ParseAddr(line["client"])
	return r, err
}

// fieldsOf returns the fields of a command that the log names.
func fieldsOf(command string) (fields, set []string) {
	words := shellWords(command)
	at := slices.IndexFunc(words, func(w string) bool { return strings.Contains(w, "/") })
	if at < 0 {
		return nil, nil
	}
	rest := words[at+1:]
	for len(rest) > 0 {
		if rest[0] == "--set" && len(rest) > 1 {
			set, rest = append(set, rest[1]), rest[2:]
			continue
		}
		fields, rest = append(fields, rest[0]), rest[1:]
	}
	return fields, set
}

// shellWords splits a command whose words may be in single quotes.
func shellWords(command string) []string {
	var words []string
	for command != "" {
		end := " "
		if strings.HasPrefix(command, "'") {
			command, end = command[1:], "'"
		}
		word, rest, _ := strings.Cut(command, end)
		words, command = append(words, word), strings.TrimPrefix(rest, " ")
	}
	return words
}

// http is the request as it comes over HTTP.
func (r Request) http() (*http.Request, error) {
	target := r.Path
	if r.Query != "" {
		target += "?" + r.Query
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("the path is not that of a URL: %q", r.Path)
	}
	h := &http.Request{Method: r.Method, URL: u, Header: http.Header{}, Body: http.NoBody, ContentLength: int64(len(r.Body))}
	if r.Method == http.MethodPost {
		h.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.Body = io.NopCloser(strings.NewReader(r.Body))
	}
	return h, nil
}
