// Command dbsep responds to Asterisk's realtime requests over HTTP from a database:
// as a server, as a CGI program in place of dbsep.cgi, or under FastCGI.
//
// This package has the subcommands: flags and exit codes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"dbsep/internal/cgi"
	"dbsep/internal/logging"
	"dbsep/internal/setup"
)

func main() { os.Exit(run()) }

// run picks the way the program was started: by a web server for one request,
// by a web server for many, or by a person. It returns the exit status.
func run() int {
	switch {
	case os.Getenv("GATEWAY_INTERFACE") != "":
		return cgi.Serve()
	case cgi.StartedAsFastCGI():
		return cgi.ServeFastCGI()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		logging.WriteError(os.Stderr, err)
		return exitStatus(err)
	}
	return 0
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "dbsep",
		Short: "respond to Asterisk's realtime requests over HTTP from a database",
		Long: `dbsep is a gateway between Asterisk and its database. Asterisk's curl realtime
driver sends it requests over HTTP; it turns each into one parameterized SQL
statement and responds in the realtime format.

The configuration is the file that --config or the environment variable DBSEP_CONF
names, else /etc/dbsep/dbsep.conf, and where that does not exist
/etc/asterisk/dbsep.conf.

Started by a web server it is a CGI or FastCGI program; see docs/running.md.`,
		Version:       about(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2 // letters
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(serveCommand(), demoCommand(), checkCommand(), compareCommand(), explainCommand(), schemaCommand(), importCommand(), exportCommand(),
		reloadCommand(), healthCommand(), versionCommand())
	return root
}

// noCommand refuses the name of no command.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := cmd.CommandPath() + " --help lists them"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("there is no command %q; %s", args[0], hint)
}

// addConfigFlag adds the option that names the configuration.
func addConfigFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "config", "c", setup.ConfigFile(), "configuration `file`; the environment variable DBSEP_CONF names another default")
}
