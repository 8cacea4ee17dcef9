package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dbsep/internal/inspect"
)

func checkCommand() *cobra.Command {
	var file, account string
	var o inspect.Options
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "explain a configuration, connect, and inspect the tables",
		Long: `Says first what is wrong and what to do about it, then what each line of the
configuration means. It connects to the database, compares the tables with what
Asterisk requires of them and writes to them, and looks for values that Asterisk
would read otherwise: those that are split at a semicolon, and text that was
encoded as UTF-8 twice.
It prints the SQL that fixes them; it changes nothing itself. The exit status is
0 if all is well, 1 with warnings, and 2 with an error: dbsep could not work.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				file = args[0]
			}
			if account != "" {
				return checkAs(cmd.Context(), account, "--config", file, "--asterisk", o.Asterisk, "--asterisk-config", o.AsteriskConfig, fmt.Sprintf("--json=%t", asJSON), fmt.Sprintf("--all=%t", all))
			}
			show, erase := progressOn(os.Stderr)
			o.Progress = show
			r := inspect.Check(cmd.Context(), file, o)
			erase()
			if !asJSON {
				r.WriteText(cmd.OutOrStdout(), all)
			} else if err := r.WriteJSON(cmd.OutOrStdout()); err != nil {
				return exit{2, err}
			}
			switch {
			case r.Errors() > 0:
				return exit{2, errors.New(r.Result)}
			case len(r.Findings) > 0:
				return exit{1, errors.New(r.Result)}
			}
			return nil
		},
	}
	addConfigFlag(cmd, &file)
	cmd.Flags().StringVar(&o.Asterisk, "asterisk", "", "compare the tables with those of this `version` of Asterisk")
	cmd.Flags().StringVar(&o.AsteriskConfig, "asterisk-config", "", "read how Asterisk finds dbsep in this `folder`, such as /etc/asterisk, and try each address")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	cmd.Flags().BoolVar(&all, "all", false, "list the settings that the file does not have, and the tables")
	cmd.Flags().StringVar(&account, "user", "", "check as this `account` of the system, which the service or the web server runs as")
	return cmd
}

// checkAs runs the check as another account of the system.
func checkAs(ctx context.Context, account string, options ...string) error {
	status, err := runAs(ctx, account, append([]string{"check"}, options...)...)
	switch {
	case err != nil:
		return exit{2, err}
	case status != 0:
		return exit{status, fmt.Errorf("this was checked as %s", account)}
	}
	return nil
}
