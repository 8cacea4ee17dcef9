package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"dbsep/internal/config"
)

func serveCommand() *cobra.Command {
	var file, listen string
	var insecure bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "answer requests as a server of its own",
		Long: `Answers requests at an address until it gets a TERM or INT signal. Then it
takes no more, finishes those in flight and ends with status 0. A HUP signal makes
it read its configuration again; one with mistakes is refused, and the old one
goes on.

At an address that other machines can reach, [server] allow, htpasswd or client_ca
must say who may ask.`,
		Example: `  dbsep serve --config /etc/asterisk/dbsep.conf --listen 127.0.0.1:8000
  dbsep serve --listen unix:/run/dbsep/dbsep.sock`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			load := func() (*site, error) {
				s, err := openSite(file)
				if err == nil && listen != "" {
					s.config.Server.Listen = listen
				}
				return s, err
			}
			s, err := load()
			if err != nil {
				return err
			}
			again := make(chan os.Signal, 1)
			signal.Notify(again, syscall.SIGHUP)
			defer signal.Stop(again)
			return (&server{load: load, again: again, insecure: insecure}).run(cmd.Context(), s, nil)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", configFile(), "configuration `file`")
	cmd.Flags().StringVarP(&listen, "listen", "l", "", "`address` to listen on, host:port or unix:/path, instead of the configuration's")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "listen for other machines although everybody there could then read and change the tables")
	return cmd
}

// guarded reports what is missing where other machines can reach an address and
// nothing says who may ask.
func guarded(a net.Addr, s config.Server) error {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() || len(s.Allow) > 0 || s.Htpasswd != "" || s.ClientCA != "" {
		return nil
	}
	return fmt.Errorf("everybody who can reach %s could read and change the tables: add to [server] a line allow= with the networks that may ask, "+
		"or htpasswd=, or tls_cert=, tls_key= and client_ca=, or listen on 127.0.0.1; --insecure does without", a)
}
