package main

import (
	"errors"

	"github.com/spf13/cobra"

	"dbsep/internal/inspect"
	"dbsep/internal/setup"
)

func checkCommand() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "explain a configuration, connect, and inspect the tables",
		Long: `Reads a configuration, says what each line means, connects to the database,
lists its tables with the operations that they allow, compares them with what
Asterisk requires of them, and looks for values that the Perl script damaged:
contacts that are split at a semicolon, and text that was encoded as UTF-8 twice.
It prints the SQL that fixes them; it changes nothing itself. The exit status is
0 without a warning, 1 with warnings, and 2 when dbsep could not work.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				file = args[0]
			}
			l, err := setup.Load(file)
			if err != nil {
				return exit{2, err}
			}
			defer l.Close()
			r, err := inspect.Check(cmd.Context(), l)
			if err != nil {
				return exit{2, err}
			}
			if asJSON {
				if err := r.WriteJSON(cmd.OutOrStdout()); err != nil {
					return exit{2, err}
				}
			} else {
				r.WriteText(cmd.OutOrStdout())
			}
			if len(r.Warnings) > 0 {
				return exit{1, errWarnings}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", setup.ConfigFile(), "configuration `file`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}

// errWarnings ends a check that found nothing worse.
var errWarnings = errors.New("there are warnings")
