//go:build unix

// Command dbsep-cgi is a small CGI program: it passes its request to a running "dbsep serve",
// over FastCGI at the socket of [server] cgi_listen. Where no server listens, or it works with
// another dbsep.conf, it executes dbsep, which responds as a CGI program itself.
//
// It starts with each request, so it imports little.
package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"dbsep/internal/configfile"
)

func main() {
	if os.Getenv("GATEWAY_INTERFACE") == "" {
		_, _ = os.Stderr.WriteString("dbsep-cgi: this is a CGI program, which a web server starts; dbsep-cgi(1) describes it\n")
		os.Exit(2)
	}
	environ := os.Environ()
	switch pass(environ) {
	case done:
		return
	case brokenOff:
		complain("the response is incomplete: dbsep serve ended, or hangs")
		os.Exit(1)
	case lost:
		environ = append(environ, lostVariable+"=1")
	}
	executeDbsep(environ)
}

// lostVariable makes dbsep respond to a request as failed, without carrying it out.
const lostVariable = "DBSEP_REQUEST_LOST"

// An outcome is what came of a request that was passed to a server.
type outcome int

const (
	done      outcome = iota // the server has responded
	notTaken                 // the server has nothing of the request, and no byte of the body is read
	lost                     // the server may carry the request out, or is too busy; nothing of a response was sent
	brokenOff                // a part of the response was sent
)

// pass lets a server respond to the request.
func pass(environ []string) outcome {
	for _, line := range environ {
		if strings.HasPrefix(line, "DBI_") { // a part of the configuration, which the server does not have
			return notTaken
		}
	}
	version, err := configfile.Version(configfile.Path())
	if err != nil {
		return notTaken // dbsep says what is wrong
	}
	s, result := connect(socketPath())
	if s == nil {
		return result
	}
	if result := s.agree(version); result != done {
		return result
	}
	return s.respond(environ, bodyLength(), os.Stdin, os.Stdout)
}

// socketPath is where a server listens.
func socketPath() string {
	if path := os.Getenv("DBSEP_CGI_SOCKET"); path != "" {
		return path
	}
	return "/run/dbsep/cgi.sock"
}

// bodyLength is how many bytes of standard input are the request's. A length that is no number
// means no body.
func bodyLength() int64 {
	n, err := strconv.ParseInt(os.Getenv("CONTENT_LENGTH"), 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// executeDbsep replaces the process by dbsep: that of DBSEP_PROGRAM, that beside this program,
// or that where it is installed.
func executeDbsep(environ []string) {
	programs := []string{"/usr/local/bin/dbsep", "/usr/bin/dbsep"}
	if own, err := os.Executable(); err == nil {
		programs = append([]string{own[:strings.LastIndexByte(own, '/')+1] + "dbsep"}, programs...)
	}
	if named := os.Getenv("DBSEP_PROGRAM"); named != "" {
		programs = []string{named}
	}
	err := error(syscall.ENOENT)
	for _, program := range programs {
		if err = syscall.Exec(program, []string{"dbsep"}, environ); err != syscall.ENOENT { //nolint:errorlint // Exec returns it as it is
			break
		}
	}
	complain("execute " + strings.Join(programs, " or ") + ": " + err.Error() + "; let DBSEP_PROGRAM name dbsep")
	os.Exit(1)
}

// complain writes a line for the web server's error log.
func complain(text string) { _, _ = os.Stderr.WriteString("dbsep-cgi: " + text + "\n") }
