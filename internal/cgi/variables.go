package cgi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dbsep/gateway"
)

// The variables of a request (RFC 3875) that net/http/cgi parses, and gives up on.
const (
	requestMethod  = "REQUEST_METHOD"
	requestURI     = "REQUEST_URI"
	scriptName     = "SCRIPT_NAME"
	pathInfo       = "PATH_INFO"
	queryString    = "QUERY_STRING"
	contentLength  = "CONTENT_LENGTH"
	serverProtocol = "SERVER_PROTOCOL"
	httpHost       = "HTTP_HOST"
)

// replacements are what net/http/cgi is shown in place of a web server's variables,
// under CGI and FastCGI alike. It responds by itself, if at all, where it cannot parse
// them, and takes the URL of a rewritten request for that of the client; the Perl
// script took PATH_INFO and QUERY_STRING as they are, and always responded.
func replacements(variables map[string]string) map[string]string {
	r := map[string]string{requestURI: "/", httpHost: "localhost"}
	if variables[requestMethod] == "" {
		r[requestMethod] = http.MethodGet
	}
	if _, _, ok := http.ParseHTTPVersion(variables[serverProtocol]); !ok {
		r[serverProtocol] = "HTTP/1.1"
	}
	if !isLength(variables[contentLength]) {
		r[contentLength] = "" // there is no body
	}
	return r
}

func isLength(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n >= 0
}

// requestURL is the URL that variables mean: PATH_INFO and QUERY_STRING, as the web
// server made them, after it rewrote them. Where the path is in no PATH_INFO it is at
// the end of SCRIPT_NAME, as with nginx's fastcgi_params; or in REQUEST_URI, unless that
// is another than the one that the server worked with.
func requestURL(variables map[string]string) *url.URL {
	query, hasQuery := variables[queryString]
	u := &url.URL{Path: variables[pathInfo], RawQuery: query}
	uri, uriQuery, _ := strings.Cut(variables[requestURI], "?")
	path, err := url.PathUnescape(uri)
	if err != nil {
		path = uri
	}
	rewritten := !strings.HasPrefix(path, variables[scriptName])
	if !hasQuery && !rewritten {
		u.RawQuery = uriQuery
	}
	switch {
	case strings.Trim(u.Path, "/") != "":
	case gateway.NamesOperation(variables[scriptName]):
		u.Path = variables[scriptName]
	case !rewritten:
		u.Path, u.RawPath = path, uri
	}
	return u
}
