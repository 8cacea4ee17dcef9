package replay

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dbsep/internal/database"
)

// cgiProgram runs the program as a web server starts it.
type cgiProgram struct {
	path string // of the program
	conf string // of its dbsep.conf
}

func newCGI(t *testing.T) *cgiProgram {
	t.Helper()
	return &cgiProgram{program(t, "dbsep"), filepath.Join(t.TempDir(), "dbsep.conf")}
}

// programFolder is where the programs are built; TestMain removes it.
var programFolder string

// build builds the programs, once.
var build = sync.OnceValue(func() error {
	if out, err := exec.Command("go", "build", "-trimpath", "-o", programFolder, "dbsep/cmd/dbsep", "dbsep/cmd/dbsep-cgi").CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
})

// program returns the path of a program.
func program(t *testing.T, name string) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programFolder, name)
}

// configuration is a dbsep.conf for a database.
func configuration(source database.Source) string {
	return fmt.Sprintf("dsn=%s\ndbuser=%s\ndbpass=%s\nbackslash_is_escape=yes\n", source.DSN, source.User, source.Password)
}

func (c *cgiProgram) ask(t *testing.T, source database.Source, r *request) answer {
	t.Helper()
	if err := os.WriteFile(c.conf, []byte(configuration(source)), 0o600); err != nil {
		t.Fatal(err)
	}
	return runCGI(t, r, c.path, "DBSEP_CONF="+c.conf)
}

// runCGI runs a program for a request.
func runCGI(t *testing.T, r *request, path string, environ ...string) answer {
	t.Helper()
	var out, log bytes.Buffer
	cmd := exec.Command(path)
	cmd.Env = append(r.toCGI(), environ...)
	cmd.Stdin = strings.NewReader(r.bytes())
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Errorf("the program ended with %v; its log: %s", err, &log)
	}
	a, err := readCGI(&out)
	if err != nil {
		t.Errorf("no answer of the program: %v; its log: %s", err, &log)
	}
	a.log = log.String()
	return a
}

// toCGI makes the environment that a web server gives the program.
func (r *request) toCGI() []string {
	env := []string{"GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "REQUEST_METHOD=" + r.Method, "REMOTE_ADDR=192.0.2.1"}
	add := func(name string, value *string) {
		if value != nil {
			env = append(env, name+"="+*value)
		}
	}
	add("PATH_INFO", r.PathInfo)
	add("QUERY_STRING", r.Query)
	add("CONTENT_TYPE", r.ContentType)
	length := strconv.Itoa(len(r.bytes()))
	if r.ContentLength != nil {
		length = fmt.Sprint(r.ContentLength)
	}
	if length != "0" || r.Method == http.MethodPost {
		add("CONTENT_LENGTH", &length)
	}
	return env
}

// readCGI reads a CGI program's response.
func readCGI(out io.Reader) (answer, error) {
	lines := bufio.NewReader(out)
	header, err := textproto.NewReader(lines).ReadMIMEHeader()
	if err != nil {
		return answer{}, err
	}
	status, _, _ := strings.Cut(header.Get("Status"), " ")
	a := answer{status: http.StatusOK, code: header.Get("X-Dbsep-Error"), kind: header.Get("Content-Type")}
	if status != "" {
		if a.status, err = strconv.Atoi(status); err != nil {
			return a, err
		}
	}
	body, err := io.ReadAll(lines)
	a.body = string(body)
	return a, err
}
