package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

func checkCommand() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "explain a configuration, connect, and look at the tables",
		Long: `Reads a configuration, says what each line means, connects to the database,
lists its tables with the operations that they allow, compares them with what
Asterisk requires of them, and looks for contacts that the Perl script stored
torn. It changes nothing. It ends with status 0 when all is well, 1 when there
are warnings, and 2 when dbsep could not work.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				file = args[0]
			}
			s, err := openSite(file)
			if err != nil {
				return exit{2, err}
			}
			defer s.close()
			r, err := s.check(cmd.Context())
			if err != nil {
				return exit{2, unanswered(err)}
			}
			if asJSON {
				if err := r.writeJSON(cmd.OutOrStdout()); err != nil {
					return exit{2, err}
				}
			} else {
				r.writeText(cmd.OutOrStdout())
			}
			if len(r.Warnings) > 0 {
				return exit{1, errWarnings}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", configFile(), "configuration `file`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}

// errWarnings ends a check that found nothing worse.
var errWarnings = errors.New("there are warnings")

// check explains the site and asks its database.
func (s *site) check(ctx context.Context) (*report, error) {
	r := &report{
		File:     s.config.File,
		Settings: reportSettings(s.config),
		Database: reportDatabase{Kind: s.db.Kind(), Address: s.db.Address()},
		Tables:   []reportTable{},
		Warnings: []string{},
	}
	for _, p := range s.warnings() {
		r.Warnings = append(r.Warnings, p.Error())
	}
	var err error
	if r.Database.Version, err = s.db.Version(ctx); err != nil {
		return nil, err
	}
	names, err := s.db.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		t, err := s.db.Describe(ctx, name)
		if err != nil {
			return nil, err
		}
		r.Tables = append(r.Tables, reportTable{t.Name, len(t.Columns), operationsOf(s.db.Dialect(), t)})
		warnings, err := s.examine(ctx, t)
		if err != nil {
			return nil, err
		}
		r.Warnings = append(r.Warnings, warnings...)
	}
	return r, nil
}

// operationsOf are the operations that make sense on a table: static where it
// has the columns of static files, all others elsewhere.
func operationsOf(d *sqlgen.Dialect, t *sqlgen.Table) []string {
	if _, err := sqlgen.Static(d, t, ""); err == nil {
		return []string{"static"}
	}
	return []string{"single", "multi", "store", "update", "destroy", "require"}
}

// examine looks at one table: whether it takes what Asterisk writes, and whether
// it holds values that come back torn.
func (s *site) examine(ctx context.Context, t *sqlgen.Table) (warnings []string, err error) {
	for _, short := range sqlgen.Require(s.db.Dialect(), t, gateway.AsteriskRequires[t.Name]) {
		warnings = append(warnings, fmt.Sprintf("table %s: %s %s, but Asterisk requires it; %s",
			t.Name, short.Requirement.Column, short.Reason, short.Repair))
	}
	question, ok := sqlgen.Uncoded(s.db.Dialect(), t, gateway.SingleValued[t.Name])
	if !ok || s.config.Compat.Semicolons == "raw" {
		return warnings, nil
	}
	count := ""
	if err := s.db.Query(ctx, question, func(columns [][]byte) error {
		count = string(columns[0])
		return nil
	}); err != nil {
		return nil, err
	}
	if count != "0" {
		warnings = append(warnings, fmt.Sprintf("table %s: %s rows hold a plain ;, which tears their values; "+
			"empty the table at the switch, and the telephones register anew: %s", t.Name, count, sqlgen.Empty(s.db.Dialect(), t)))
	}
	return warnings, nil
}

// unanswered tells an administrator at the keyboard more of a database's fault
// than a client or a log may see.
func unanswered(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
