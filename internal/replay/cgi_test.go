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
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return &cgiProgram{path, filepath.Join(t.TempDir(), "dbsep.conf")}
}

// programFolder is where the program is built; TestMain removes it.
var programFolder string

// program builds the program, once, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "dbsep")
	if out, err := exec.Command("go", "build", "-o", path, "dbsep/cmd/dbsep").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

func (c *cgiProgram) ask(t *testing.T, source database.Source, r *request) answer {
	t.Helper()
	conf := fmt.Sprintf("dsn=%s\ndbuser=%s\ndbpass=%s\nbackslash_is_escape=yes\n", source.DSN, source.User, source.Password)
	if err := os.WriteFile(c.conf, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	cmd := exec.Command(c.path)
	cmd.Env = append(r.toCGI(), "DBSEP_CONF="+c.conf)
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
