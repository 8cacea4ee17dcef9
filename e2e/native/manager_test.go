//go:build e2e

package native

import (
	"bufio"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"testing"
)

// A manager is a connection to Asterisk's manager interface, on which commands run
// without a new process for each.
type manager struct {
	conn  net.Conn
	lines *textproto.Reader
}

// login opens a connection as the account of manager.conf.
func login(t *testing.T, address string) *manager {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	m := &manager{conn, textproto.NewReader(bufio.NewReader(conn))}
	_, err = m.lines.ReadLine() // what it is
	check(t, err)
	if out := m.action(t, "Action: Login\r\nUsername: tests\r\nSecret: tests\r\nEvents: off\r\n"); !strings.Contains(out, "Response: Success") {
		t.Fatalf("login: %s", out)
	}
	return m
}

// action sends the lines of an action and returns those of its response.
func (m *manager) action(t *testing.T, lines string) string {
	t.Helper()
	_, err := fmt.Fprintf(m.conn, "%s\r\n", lines)
	check(t, err)
	var out strings.Builder
	for {
		line, err := m.lines.ReadLine()
		check(t, err)
		if line == "" {
			return out.String()
		}
		out.WriteString(line + "\n")
	}
}

// command runs a command and returns what it prints.
func (m *manager) command(t *testing.T, words ...string) string {
	t.Helper()
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w)+`"`)
	}
	var out strings.Builder
	for line := range strings.Lines(m.action(t, "Action: Command\r\nCommand: "+strings.Join(quoted, " ")+"\r\n")) {
		if text, ok := strings.CutPrefix(line, "Output: "); ok && !strings.HasPrefix(text, "Command '") {
			out.WriteString(text)
		}
	}
	return out.String()
}
