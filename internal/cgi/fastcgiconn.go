package cgi

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/fcgi"

	"dbsep/internal/fastcgi"
)

// A fastCGIConn replaces variables of requests before net/http/fcgi reads them: what that
// cannot parse it responds to by itself, with a status and nothing else, and no handler sees
// the request. Nearly all of the protocol stays with the library. The connection is read by
// one goroutine.
type fastCGIConn struct {
	net.Conn
	in        *bufio.Reader
	values    map[string]func() string // that the other side may query, beside those of net/http/fcgi; nil: none
	observe   func(fastcgi.Head)       // is called with the head of each record; nil: nothing is
	variables map[uint16][]byte        // of requests whose variables are not complete, by the number of the request
	record    []byte                   // that was read last
	ready     []byte                   // for the reader
}

func newFastCGIConn(c net.Conn) *fastCGIConn {
	return &fastCGIConn{Conn: c, in: bufio.NewReader(c), variables: make(map[uint16][]byte)}
}

// variableBytes limits the variables of one request.
const variableBytes = 1 << 20

func (c *fastCGIConn) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// next reads a record. Those with variables wait for the last one, which is empty.
func (c *fastCGIConn) next() error {
	c.record = append(c.record[:0], make([]byte, fastcgi.HeadBytes)...)
	if _, err := io.ReadFull(c.in, c.record); err != nil {
		return err
	}
	head := fastcgi.ParseHead(c.record)
	if c.observe != nil {
		c.observe(head)
	}
	c.record = append(c.record, make([]byte, head.Length+head.Padding)...)
	if _, err := io.ReadFull(c.in, c.record[fastcgi.HeadBytes:]); err != nil {
		return err
	}
	content := c.record[fastcgi.HeadBytes:][:head.Length]
	switch {
	case head.Kind == fastcgi.GetValues && c.values != nil:
		return c.respond(fastcgi.ParsePairs(content))
	case head.Kind != fastcgi.Params:
		c.ready = c.record
	case len(c.variables[head.Request])+head.Length > variableBytes:
		return errors.New("the variables of a request are too large")
	case head.Length > 0:
		c.variables[head.Request] = append(c.variables[head.Request], content...)
	default:
		pairs := replaced(c.variables[head.Request])
		c.ready = append(fastcgi.AppendStream(nil, fastcgi.Params, head.Request, pairs), c.record...)
		delete(c.variables, head.Request)
	}
	return nil
}

// respond sends those values of a query (specification 4.1) that are known. A query for others
// is for net/http/fcgi.
func (c *fastCGIConn) respond(queried map[string]string) error {
	var pairs []byte
	for name := range queried {
		if value, ok := c.values[name]; ok {
			pairs = fastcgi.AppendPair(pairs, name, value())
		}
	}
	if pairs == nil {
		c.ready = c.record
		return nil
	}
	_, err := c.Write(fastcgi.AppendRecord(nil, fastcgi.GetValuesResult, 0, pairs))
	return err
}

// original is put in front of the name of a variable that net/http/fcgi keeps to itself.
const original = "ORIGINAL_"

// replaced puts replacements into variables, and keeps what they replace by another name.
func replaced(pairs []byte) []byte {
	variables := fastcgi.ParsePairs(pairs)
	replacing := replacements(variables)
	for _, name := range []string{requestURI, scriptName, pathInfo, queryString, contentLength} {
		if value, ok := variables[name]; ok {
			replacing[original+name] = value
		}
	}
	maps.Copy(variables, replacing)
	pairs = nil
	for name, value := range variables {
		pairs = fastcgi.AppendPair(pairs, name, value)
	}
	return pairs
}

// fastCGIRequest is the request that a web server means by its variables.
func fastCGIRequest(r *http.Request) *http.Request {
	environment, variables := fcgi.ProcessEnv(r), make(map[string]string)
	for _, name := range []string{requestURI, scriptName, pathInfo, queryString, contentLength} {
		if value, ok := environment[original+name]; ok {
			variables[name] = value
		}
	}
	r.URL = requestURL(variables)
	if length := variables[contentLength]; length != "" && !isLength(length) {
		r.Body = http.NoBody
	}
	return r
}
