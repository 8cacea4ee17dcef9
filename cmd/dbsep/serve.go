package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"dbsep/internal/server"
	"dbsep/internal/setup"
)

func serveCommand() *cobra.Command {
	var file, listen string
	var insecure bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "respond to requests as a standalone server",
		Long: `Responds to requests at an address until it gets a TERM or INT signal. Then it
takes no more, finishes those in flight and ends with status 0. A HUP signal makes
it read its configuration again; one with mistakes is refused, and the old one
goes on.

An environment variable takes the place of a line of the configuration:
DBSEP_SERVER_LISTEN of listen in the section [server], DBSEP_DSN of dsn.

At an address that other machines can reach, [server] allow, htpasswd or client_ca
must say who may connect.`,
		Example: `  dbsep serve --config /etc/asterisk/dbsep.conf --listen 127.0.0.1:8000
  dbsep serve --listen unix:/run/dbsep/dbsep.sock`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			load := func() (*setup.Loaded, error) {
				l, err := setup.Load(file)
				if err == nil && listen != "" {
					l.Config.Server.Listen = listen
				}
				return l, err
			}
			first, err := load()
			if err != nil {
				return err
			}
			reload := make(chan os.Signal, 1)
			signal.Notify(reload, syscall.SIGHUP)
			defer signal.Stop(reload)
			s := &server.Server{Load: load, Reload: reload, Insecure: insecure, Version: version}
			return s.Run(cmd.Context(), first, nil)
		},
	}
	addConfigFlag(cmd, &file)
	cmd.Flags().StringVarP(&listen, "listen", "l", "", "`address` to listen on, host:port or unix:/path, instead of the configuration's")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "listen for other machines although everybody there could then read and change the tables")
	return cmd
}
