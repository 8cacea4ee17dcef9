package main

import (
	_ "embed"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dbsep/config"
	"dbsep/database"
)

//go:embed demo.sql
var demoSQL string

func demoCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "answer requests from a throw-away sample telephone system",
		Long: `Makes an SQLite database of a small telephone system in a temporary folder,
answers requests from it, and throws it away at the end (Ctrl-C).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "dbsep-demo-")
			if err != nil {
				return fmt.Errorf("make a temporary folder: %w", err)
			}
			defer os.RemoveAll(dir)
			s, err := openDemo(cmd, filepath.Join(dir, "demo.db"))
			if err != nil {
				return err
			}
			s.config.Server.Listen = listen
			return serveOnce(cmd.Context(), s, func(a net.Addr) { introduce(cmd.OutOrStdout(), a) })
		},
	}
	cmd.Flags().StringVarP(&listen, "listen", "l", config.Default().Server.Listen, "`address` to listen on")
	return cmd
}

func openDemo(cmd *cobra.Command, file string) (*site, error) {
	if err := database.CreateSQLite(cmd.Context(), file, demoSQL); err != nil {
		return nil, fmt.Errorf("make the sample database: %w", err)
	}
	db, err := database.Open(database.Source{DSN: "DBI:SQLite:dbname=" + file})
	if err != nil {
		return nil, fmt.Errorf("open the sample database: %w", err)
	}
	c := config.Default()
	return &site{&c, db}, nil
}

// introduce tells a newcomer what can be asked, each line ready to be copied.
func introduce(w io.Writer, a net.Addr) {
	fmt.Fprintf(w, `
dbsep answers at http://%[1]s from a sample telephone system. Try, in another terminal:

    curl -d 'id=alice' http://%[1]s/ps_endpoints/single
    curl -d 'exten LIKE=10%%25' http://%[1]s/extensions/multi
    curl 'http://%[1]s/ps_endpoints/multi.json?id+LIKE=%%25'

and in Asterisk's extconfig.conf:

    ps_endpoints => curl,http://%[1]s/ps_endpoints

Ctrl-C ends it and throws the sample away.

`, a)
}
