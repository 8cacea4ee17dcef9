package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"dbsep/internal/control"
)

func reloadCommand() *cobra.Command {
	var server serverChoice
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "let the running server read its configuration again, and say what came of it",
		Long: `Lets the running server read its configuration again, as a HUP signal does, waits
for that, and says what came of it. With a mistake in the file the server goes on with
its old configuration; each mistake is written, and the exit status is 1.

Only root and the account of the server can use it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return server.send(cmd, http.MethodPost, "/reload") },
	}
	server.addFlag(cmd)
	return cmd
}

func healthCommand() *cobra.Command {
	var server serverChoice
	cmd := &cobra.Command{
		Use:   "health",
		Short: "say whether the running server can respond to requests",
		Long: `Says whether the running server can respond to requests, as /readyz does: it is not
ending, and its database is available. The exit status is 0 if so, and 1 if not. It
works with every address that the server listens on, and needs no password.

Only root and the account of the server can use it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return server.send(cmd, http.MethodGet, "/readyz") },
	}
	server.addFlag(cmd)
	return cmd
}

// A serverChoice is which of the running servers a command is about.
type serverChoice struct{ pid int }

func (c *serverChoice) addFlag(cmd *cobra.Command) {
	cmd.Flags().IntVar(&c.pid, "pid", 0, "the `process` of the server; without it systemd's $MAINPID, or the only one that runs")
}

// find returns the process of the server.
func (c *serverChoice) find(cmd *cobra.Command) (int, error) {
	main, _ := strconv.Atoi(os.Getenv("MAINPID"))
	if pid := cmp.Or(c.pid, main); pid != 0 {
		return pid, nil
	}
	found, err := control.Servers(cmd.Context())
	switch {
	case err != nil:
		return 0, err
	case len(found) == 0:
		return 0, errors.New("no dbsep serve is running here; start it, or use this command where it runs")
	case len(found) > 1:
		return 0, fmt.Errorf("several servers are running; name one with --pid: %v", found)
	}
	return found[0], nil
}

// send sends a request to the server and writes what it says.
func (c *serverChoice) send(cmd *cobra.Command, method, path string) error {
	pid, err := c.find(cmd)
	if err != nil {
		return err
	}
	text, err := control.Send(cmd.Context(), pid, method, path)
	if err != nil {
		return err
	}
	_, err = io.WriteString(cmd.OutOrStdout(), text)
	return err
}
