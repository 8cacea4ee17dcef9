package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dbsep/config"
)

func checkCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "explain a configuration, connect, and list the tables",
		Long: `Reads a configuration, says what each line means, connects to the database and
lists its tables. It changes nothing. It ends with status 0 when all is well, 1
when there are warnings, and 2 when dbsep could not work with it.`,
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
			return s.check(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", configFile(), "configuration `file`")
	return cmd
}

// errWarnings ends a check that found nothing worse.
var errWarnings = errors.New("there are warnings")

// check explains the site and asks its database.
func (s *site) check(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", s.config.File)
	explain(w, s.config)
	fmt.Fprintf(w, "\ndatabase   %s at %s\n", s.db.Kind(), s.db.Address())
	if err := s.ask(ctx, w); err != nil {
		return exit{2, err}
	}
	warnings := s.warnings()
	for _, p := range warnings {
		fmt.Fprintf(w, "\nwarning    %s\n", p.Error())
	}
	if len(warnings) > 0 {
		return exit{1, errWarnings}
	}
	fmt.Fprintln(w, "\nall is well")
	return nil
}

// explain writes what each setting is and where it comes from. It shows no
// value that could hold a secret.
func explain(w io.Writer, c *config.Config) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := ""
	for _, set := range config.Settings() {
		if set.Section != section {
			section = set.Section
			fmt.Fprintf(table, "[%s]\n", section)
		}
		from := "default"
		if n := c.Line(set.Key); n > 0 {
			from = fmt.Sprintf("line %d", n)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", set.Key, shown(c, set), from, firstSentence(set.Doc))
	}
	_ = table.Flush()
}

// shown is a setting's value as it may be shown to anyone.
func shown(c *config.Config, set config.Setting) string {
	switch {
	case set.Section != "":
		return c.Text(set)
	case set.Key == "dbuser":
		return c.User
	case set.Key == "dbschema":
		return c.Schema
	case c.Line(set.Key) > 0:
		return "(set)"
	}
	return ""
}

func firstSentence(text string) string {
	first, _, _ := strings.Cut(text, ". ")
	return strings.TrimSuffix(first, ".") + "."
}

// ask connects to the database and writes its version and its tables.
func (s *site) ask(ctx context.Context, w io.Writer) error {
	version, err := s.db.Version(ctx)
	if err != nil {
		return unanswered(err)
	}
	tables, err := s.db.Tables(ctx)
	if err != nil {
		return unanswered(err)
	}
	fmt.Fprintf(w, "version    %s\ntables     %d\n", version, len(tables))
	for _, name := range tables {
		t, err := s.db.Describe(ctx, name)
		if err != nil {
			return unanswered(err)
		}
		fmt.Fprintf(w, "           %s (%d columns)\n", t.Name, len(t.Columns))
	}
	return nil
}

// unanswered tells an administrator at the keyboard more of a database's fault
// than a client or a log may see.
func unanswered(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
