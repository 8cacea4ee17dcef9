package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dbsep/internal/database/sqlite"
	"dbsep/internal/inspect"
)

// openTerminal returns both ends of a terminal: what is written to program comes out of user.
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { user.Close() })
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

// endlessSite has two tables with faults, and between them one that is never read to its end.
func endlessSite(t *testing.T) (conf string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "endless.db")
	if err := sqlite.Create(t.Context(), file, `
		CREATE TABLE extensions (id INTEGER PRIMARY KEY, exten TEXT, appdata TEXT);
		INSERT INTO extensions (appdata) VALUES ('a;b');
		CREATE VIEW ps_auths AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT CAST(id AS TEXT) AS id, 'x' AS password FROM n;
		CREATE TABLE queue_members (paused INTEGER);`); err != nil {
		t.Fatal(err)
	}
	return writeConf(t, "dsn=DBI:SQLite:dbname=%s\n[limits]\nstatement_timeout=1h\n", file)
}

// TestCheckCanBeInterrupted shows what is looked at on a terminal, and ends in the middle of
// it.
func TestCheckCanBeInterrupted(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		t.Run(fmt.Sprintf("json=%t", asJSON), func(t *testing.T) {
			user, program := openTerminal(t)
			cmd := exec.CommandContext(t.Context(), "dbsep", "check", fmt.Sprintf("--json=%t", asJSON), endlessSite(t))
			cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, program
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			shown := readUntil(t, user, "ps_auths: reading ...")
			if !strings.Contains(shown, "\r\x1b[Kextensions: reading 1 row ...\r\x1b[K") {
				t.Errorf("the terminal shows %q", shown)
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 2 {
				t.Errorf("status %d", code)
			}
			readUntil(t, user, "\r\x1b[Kdbsep: 1 error, 1 warning")
			if strings.Contains(out.String(), "reading") || strings.Contains(out.String(), "queue_members") {
				t.Errorf("the report is\n%s", out.String())
			}
			if asJSON {
				var r inspect.Report
				if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r.Findings) != 2 || r.Findings[1].Table != "extensions" {
					t.Errorf("%v: %s", err, out.String())
				}
				return
			}
			if !strings.HasPrefix(out.String(), "1 error, 1 warning\n\nerror  the check was interrupted, and what it found is not all; run it again\n\nwarning  table extensions: 1 row ") {
				t.Errorf("the report is\n%s", out.String())
			}
		})
	}
}

// readUntil reads what a program writes to its terminal, up to a text.
func readUntil(t *testing.T, user *os.File, text string) (shown string) {
	t.Helper()
	buffer := make([]byte, 4096)
	for !strings.Contains(shown, text) {
		n, err := user.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %q", err, shown)
		}
		shown += string(buffer[:n])
	}
	return shown
}

// TestNoProgressBesideATerminal reads what a program that runs the check gets.
func TestNoProgressBesideATerminal(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "dbsep", "check", "-c", filepath.Join(sampleSite(t), "dbsep.conf")).CombinedOutput()
	if err != nil || strings.Contains(string(out), "reading") || strings.Contains(string(out), "\x1b") {
		t.Errorf("%v: %q", err, out)
	}
}
