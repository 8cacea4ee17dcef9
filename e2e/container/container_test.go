//go:build e2e

package container

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An image is built into a storage of its own.
type image struct {
	buildah string
	storage []string
}

func (i image) command(arguments ...string) []string { return append(i.storage, arguments...) }

func (i image) run(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), i.buildah, i.command(arguments...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("buildah %q: %v\n%s", arguments, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestContainer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run a container without user namespaces")
	}
	dir := t.TempDir()
	compile := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(dir, "context", "dbsep"), "dbsep/cmd/dbsep")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	i := image{testenv.Installed(t, "buildah", "buildah"), []string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "runroot"), "--storage-driver", "vfs"}}
	i.run(t, "bud", "--isolation", "chroot", "--format", "docker", "--tag", "dbsep", "--file", "../../Containerfile", filepath.Join(dir, "context"))
	name := i.run(t, "from", "--name", "site", "dbsep")
	testenv.Feature(t, "container", "the image has a health check and no root", func(t *testing.T) {
		about := i.run(t, "inspect", "--format", "{{.Docker.Config.User}} {{.Docker.Config.Healthcheck.Test}} {{.Docker.Config.Entrypoint}} {{.Docker.Config.Cmd}}", name)
		if want := "65532:65532 [CMD /usr/bin/dbsep health] [/usr/bin/dbsep] [serve]"; about != want {
			t.Errorf("got %s, want %s", about, want)
		}
	})
	testenv.Feature(t, "container", "it runs without a file, and reports its health", func(t *testing.T) { i.runs(t, name) })
}

// runs starts the container. It has the network and the processes of this machine, but none of
// its files.
func (i image) runs(t *testing.T, name string) {
	data := t.TempDir()
	check(t, os.Chmod(filepath.Dir(data), 0o755))
	check(t, os.WriteFile(filepath.Join(data, "site.db"), nil, 0o666))
	check(t, os.Chown(data, 65532, 65532))
	check(t, os.Chown(filepath.Join(data, "site.db"), 65532, 65532))
	address := testenv.FreeAddress(t)
	server := testenv.Start(t, nil, i.buildah, i.command("run", "--isolation", "chroot", "--volume", data+":/data",
		"--env", "DBSEP_DSN=DBI:SQLite:dbname=/data/site.db", "--env", "DBSEP_SERVER_LISTEN="+address, name, "--", "/usr/bin/dbsep", "serve")...)
	testenv.WaitFor(t, "the container", server, func(ctx context.Context) error { return ready(ctx, address) })

	pid := processOf(t, address)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	check(t, err)
	if !strings.Contains(string(status), "\nUid:\t65532\t65532\t65532\t65532\n") {
		t.Errorf("it runs as another account:\n%s", status)
	}
	health := []string{"run", "--isolation", "chroot", name, "--", "/usr/bin/dbsep", "health", "--pid", strconv.Itoa(pid)}
	if out := i.run(t, health...); out != "ok" {
		t.Errorf("health says %s", out)
	}
	check(t, syscall.Kill(pid, syscall.SIGTERM))
	<-server.Exited()
	if err := server.Err(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if out, err := exec.CommandContext(t.Context(), i.buildah, i.command(health...)...).CombinedOutput(); err == nil || !strings.Contains(string(out), "is no dbsep serve") {
		t.Errorf("health of a container that has ended: %v, %s", err, out)
	}
}

func ready(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// processOf finds the process in a container that was started with an address in its
// environment.
func processOf(t *testing.T, address string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	check(t, err)
	for _, file := range lines {
		line, _ := os.ReadFile(file)
		environ, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "environ"))
		if string(line) == "/usr/bin/dbsep\x00serve\x00" && strings.Contains(string(environ), "DBSEP_SERVER_LISTEN="+address+"\x00") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			check(t, err)
			return pid
		}
	}
	t.Fatal("there is no such process")
	return 0
}
