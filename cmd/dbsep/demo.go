package main

import (
	_ "embed"
	"fmt"
	"html"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"dbsep/internal/asterisk"
	"dbsep/internal/config"
	"dbsep/internal/database"
	"dbsep/internal/database/sqlite"
	"dbsep/internal/schema"
	"dbsep/internal/server"
	"dbsep/internal/setup"
)

//go:embed demo.sql
var demoRows string

//go:embed demo.txt
var demoText string

//go:embed demo.html
var demoPage string

func demoCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "respond to requests from a temporary sample PBX",
		Long: `Creates an SQLite database of a small PBX in a temporary folder, responds to
requests from it, and removes it at the end (Ctrl-C).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "dbsep-demo-")
			if err != nil {
				return fmt.Errorf("make a temporary folder: %w", err)
			}
			defer os.RemoveAll(dir)
			l, err := openDemo(cmd, filepath.Join(dir, "demo.db"))
			if err != nil {
				return err
			}
			l.Config.Server.Listen = listen
			demo := &server.Server{
				Insecure: true, ListenHint: "choose another address, such as: dbsep demo --listen " + nextAddress(listen), Version: version,
				Page: strings.ReplaceAll(demoPage, "TEXT", html.EscapeString(introduction(listen))),
			}
			return demo.Run(cmd.Context(), l, func(a net.Addr) { _, _ = io.WriteString(cmd.OutOrStdout(), introduction(a.String())) })
		},
	}
	cmd.Flags().StringVarP(&listen, "listen", "l", config.Default().Server.Listen, "`address` to listen on")
	return cmd
}

func openDemo(cmd *cobra.Command, file string) (*setup.Loaded, error) {
	sample, err := demoSQL()
	if err != nil {
		return nil, err
	}
	if err := sqlite.Create(cmd.Context(), file, sample); err != nil {
		return nil, fmt.Errorf("make the sample database: %w", err)
	}
	db, err := database.Open(database.Source{DSN: "DBI:SQLite:dbname=" + file})
	if err != nil {
		return nil, fmt.Errorf("open the sample database: %w", err)
	}
	c := config.Default()
	return &setup.Loaded{Config: &c, DB: db}, nil
}

// demoSQL makes the tables of the sample, and their rows.
func demoSQL() (string, error) {
	releases := asterisk.Releases()
	tables, err := asterisk.Tables(releases[len(releases)-1], "pjsip", "extensions", "voicemail", "queues", "static")
	if err != nil {
		return "", err
	}
	d, err := schema.Find("sqlite")
	if err != nil {
		return "", err
	}
	return strings.Join(d.Create(tables), ";\n") + ";\n" + demoRows, nil
}

// introduction is what a new user can try and what Asterisk needs, each line ready to be
// copied.
func introduction(address string) string { return strings.ReplaceAll(demoText, "ADDRESS", address) }

// nextAddress is an address beside one that is taken.
func nextAddress(taken string) string {
	host, port, err := net.SplitHostPort(taken)
	n, notNumber := strconv.Atoi(port)
	if err != nil || notNumber != nil || n < 1 || n > 65534 {
		return "127.0.0.1:8001"
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}
