//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"syscall"

	"dbsep/internal/configfile"
	"dbsep/internal/fastcgi"
)

const (
	// connectSeconds is how long a server that listens may take to accept a connection and to
	// report its configuration. One that takes longer is busy, or hangs: to execute dbsep for
	// each request would be worse.
	connectSeconds = 30

	// responseSeconds is how long it may take between two parts of a response: as long as
	// Asterisk waits. The server has limits of its own.
	responseSeconds = 180

	// maxVariables is how long the variables of a request may be that a server gets. The
	// server keeps them in memory.
	maxVariables = 64 << 10

	// heldBytes is how much of a response waits until it is known to be complete.
	heldBytes = 128 << 10
)

// request is the number of the one request of a connection.
const request = 1

// A server is a connection to one. It is used without package net, which would make the
// program larger and slower to start.
type server struct {
	fd       int
	buf      []byte // that was read
	next     []byte // of buf: not used yet
	response []byte // that waits
	started  bool   // a part of the response was sent
}

// connect connects to the socket at a path. Without a server its outcome says why: where none
// listens, or may not be used, another way is open.
func connect(path string) (*server, outcome) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, notTaken
	}
	syscall.CloseOnExec(fd)
	s := &server{fd: fd, buf: make([]byte, 64<<10)}
	s.setTimeout(connectSeconds)
	for {
		switch err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err { //nolint:errorlint // Connect returns it as it is
		case nil:
			return s, done
		case syscall.EINTR:
		case syscall.EAGAIN:
			return nil, s.fail("too many requests wait for dbsep serve at " + path)
		case syscall.ENOENT, syscall.ECONNREFUSED:
			return nil, notTaken // none listens, as on machines that have no server
		default:
			complain("connect to " + path + ": " + err.Error())
			return nil, notTaken
		}
	}
}

// setTimeout limits how long one read or write waits.
func (s *server) setTimeout(seconds int64) {
	limit := syscall.Timeval{Sec: seconds} //nolint:unconvert
	_ = syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit)
	_ = syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit)
}

// fail says why a request is lost.
func (s *server) fail(why string) outcome {
	if s.started {
		return brokenOff
	}
	complain(why)
	return lost
}

// agree asks the server for the version of its configuration, before it gets anything of the
// request. A connection that is closed by then is that of a server that ends.
func (s *server) agree(version string) outcome {
	query := fastcgi.AppendPair(nil, configfile.VersionVariable, "")
	if _, err := s.write(fastcgi.AppendRecord(nil, fastcgi.GetValues, 0, query)); err != nil {
		return notTaken
	}
	head, content, err := s.record()
	switch {
	case err == syscall.EAGAIN: //nolint:errorlint // read returns it as it is
		return s.fail("dbsep serve does not respond")
	case err != nil:
		return notTaken
	case head.Kind != fastcgi.GetValuesResult || fastcgi.ParsePairs(content)[configfile.VersionVariable] != version:
		return notTaken
	}
	return done
}

// respond sends the request, and writes the response to out.
func (s *server) respond(environ []string, length int64, body io.Reader, out *os.File) outcome {
	s.setTimeout(responseSeconds)
	sent, err := s.sendVariables(environ)
	if !sent {
		return notTaken
	}
	if err == nil {
		s.sendBody(length, body) // a server that has ended has perhaps responded before
	}
	for {
		head, content, err := s.record()
		switch {
		case err != nil:
			return s.fail("the request is lost: dbsep serve ended, or hangs")
		case head.Kind == fastcgi.Stdout:
			s.response = append(s.response, content...)
			if len(s.response) < heldBytes {
				continue
			}
			if s.flush(out) != nil {
				return brokenOff
			}
		case head.Kind == fastcgi.EndRequest:
			if s.flush(out) != nil {
				return brokenOff
			}
			return done
		}
	}
}

// sendVariables sends the variables of the request, and reports whether the server has got
// anything of it.
func (s *server) sendVariables(environ []string) (sent bool, err error) {
	var pairs []byte
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		pairs = fastcgi.AppendPair(pairs, name, value)
	}
	if len(pairs) > maxVariables {
		return false, nil
	}
	const responder = 1
	records := fastcgi.AppendRecord(nil, fastcgi.BeginRequest, request, []byte{0, responder, 0, 0, 0, 0, 0, 0})
	records = fastcgi.AppendStream(records, fastcgi.Params, request, pairs)
	n, err := s.write(fastcgi.AppendRecord(records, fastcgi.Params, request, nil))
	return n > 0, err
}

// sendBody sends as much of the body as there is.
func (s *server) sendBody(length int64, body io.Reader) {
	part := make([]byte, min(length, 32<<10))
	var records []byte
	for length > 0 {
		n, err := body.Read(part[:min(length, int64(len(part)))])
		length -= int64(n)
		if n > 0 {
			records = fastcgi.AppendRecord(records[:0], fastcgi.Stdin, request, part[:n])
		}
		if err != nil {
			break
		}
		if length > 0 {
			if _, err := s.write(records); err != nil {
				return
			}
			records = records[:0]
		}
	}
	_, _ = s.write(fastcgi.AppendRecord(records, fastcgi.Stdin, request, nil))
}

// flush writes what has come of the response.
func (s *server) flush(out *os.File) error {
	if !s.started {
		s.response = withoutDate(s.response)
		s.started = true
	}
	_, err := out.Write(s.response)
	s.response = s.response[:0]
	return err
}

// withoutDate removes the line that net/http/fcgi adds to the header of a response. A web
// server has its own.
func withoutDate(response []byte) []byte {
	head, _, _ := bytes.Cut(response, []byte("\r\n\r\n"))
	begin := bytes.Index(head, []byte("\r\nDate: "))
	if begin < 0 {
		return response
	}
	length := 2 + bytes.Index(response[begin+2:], []byte("\r\n"))
	return append(response[:begin], response[begin+length:]...)
}

// write writes everything, and returns how much it has written before an error.
func (s *server) write(p []byte) (written int, err error) {
	for len(p) > 0 {
		n, err := syscall.Write(s.fd, p)
		if err == syscall.EINTR { //nolint:errorlint // Write returns it as it is
			continue
		}
		if err != nil {
			return written, err
		}
		written, p = written+n, p[n:]
	}
	return written, nil
}

// record reads a record. Its content is valid until the next one.
func (s *server) record() (head fastcgi.Head, content []byte, err error) {
	if err := s.fill(fastcgi.HeadBytes); err != nil {
		return head, nil, err
	}
	head = fastcgi.ParseHead(s.next)
	whole := fastcgi.HeadBytes + head.Length + head.Padding
	if err := s.fill(whole); err != nil {
		return head, nil, err
	}
	content = s.next[fastcgi.HeadBytes:][:head.Length]
	s.next = s.next[whole:]
	return head, content, nil
}

// fill reads until n bytes are there to be used.
func (s *server) fill(n int) error {
	if len(s.next) < n { // room for them
		if n > len(s.buf) {
			s.buf = make([]byte, n)
		}
		s.next = s.buf[:copy(s.buf, s.next)]
	}
	for len(s.next) < n {
		read, err := syscall.Read(s.fd, s.buf[len(s.next):])
		switch {
		case err == syscall.EINTR: //nolint:errorlint // Read returns it as it is
		case err != nil:
			return err
		case read == 0:
			return io.ErrUnexpectedEOF
		default:
			s.next = s.buf[:len(s.next)+read]
		}
	}
	return nil
}
