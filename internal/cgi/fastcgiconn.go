//go:build unix

package cgi

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/fcgi"
)

// A fastCGIListener replaces variables of requests before net/http/fcgi reads them: what
// that cannot parse it responds to by itself, with a status and nothing else, and no handler
// sees the request. The variables are all that is touched; the rest of the protocol
// stays with the library.
type fastCGIListener struct{ net.Listener }

func (l fastCGIListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &fastCGIConn{Conn: c, in: bufio.NewReader(c), variables: make(map[uint16][]byte)}, nil
}

// A fastCGIConn is read by one goroutine of net/http/fcgi.
type fastCGIConn struct {
	net.Conn
	in        *bufio.Reader
	variables map[uint16][]byte // of requests whose variables are not complete, by the number of the request
	record    []byte            // that was read last
	ready     []byte            // for the reader
}

// The parts of a record (FastCGI specification 3.3), and the kind that has variables.
const (
	fastCGIHead   = 8
	fastCGIParams = 4
	fastCGIMost   = 1<<16 - 1
)

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
	c.record = append(c.record[:0], make([]byte, fastCGIHead)...)
	if _, err := io.ReadFull(c.in, c.record); err != nil {
		return err
	}
	kind, request := c.record[1], binary.BigEndian.Uint16(c.record[2:])
	length, padding := int(binary.BigEndian.Uint16(c.record[4:])), int(c.record[6])
	c.record = append(c.record, make([]byte, length+padding)...)
	if _, err := io.ReadFull(c.in, c.record[fastCGIHead:]); err != nil {
		return err
	}
	switch {
	case kind != fastCGIParams:
		c.ready = c.record
	case len(c.variables[request])+length > variableBytes:
		return errors.New("the variables of a request are too large")
	case length > 0:
		c.variables[request] = append(c.variables[request], c.record[fastCGIHead:fastCGIHead+length]...)
	default:
		c.ready = append(paramsRecords(request, replaced(c.variables[request])), c.record...)
		delete(c.variables, request)
	}
	return nil
}

// original is put in front of the name of a variable that net/http/fcgi keeps to itself.
const original = "ORIGINAL_"

// replaced puts replacements into variables, and keeps what they replace by another name.
func replaced(pairs []byte) []byte {
	variables := parsePairs(pairs)
	replacing := replacements(variables)
	for _, name := range []string{requestURI, scriptName, pathInfo, queryString, contentLength} {
		if value, ok := variables[name]; ok {
			replacing[original+name] = value
		}
	}
	maps.Copy(variables, replacing)
	pairs = nil
	for name, value := range variables {
		pairs = appendPair(pairs, name, value)
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

// parsePairs reads names and values (FastCGI specification 3.4), as far as they are whole.
func parsePairs(pairs []byte) map[string]string {
	variables := make(map[string]string)
	for len(pairs) > 0 {
		var sizes [2]int
		for i := range sizes {
			switch {
			case len(pairs) > 0 && pairs[0] < 128:
				sizes[i], pairs = int(pairs[0]), pairs[1:]
			case len(pairs) >= 4:
				sizes[i], pairs = int(binary.BigEndian.Uint32(pairs)&(1<<31-1)), pairs[4:]
			default:
				return variables
			}
		}
		if sizes[0]+sizes[1] > len(pairs) {
			return variables
		}
		name, rest := pairs[:sizes[0]], pairs[sizes[0]:]
		variables[string(name)] = string(rest[:sizes[1]])
		pairs = rest[sizes[1]:]
	}
	return variables
}

func appendPair(pairs []byte, name, value string) []byte {
	pairs = binary.BigEndian.AppendUint32(pairs, uint32(len(name))|1<<31)
	pairs = binary.BigEndian.AppendUint32(pairs, uint32(len(value))|1<<31)
	return append(append(pairs, name...), value...)
}

// paramsRecords makes records of pairs.
func paramsRecords(request uint16, pairs []byte) []byte {
	var records []byte
	for len(pairs) > 0 {
		part := pairs[:min(len(pairs), fastCGIMost)]
		pairs = pairs[len(part):]
		records = append(records, 1, fastCGIParams)
		records = binary.BigEndian.AppendUint16(records, request)
		records = binary.BigEndian.AppendUint16(records, uint16(len(part)))
		records = append(append(records, 0, 0), part...)
	}
	return records
}
