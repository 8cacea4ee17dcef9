package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"dbsep/internal/asterisk"
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
torn and for letters beyond ASCII that it encoded twice. For what it finds it
prints the SQL that mends it; it changes nothing itself. It ends with status 0
when all is well, 1 when there are warnings, and 2 when dbsep could not work.`,
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
			if err := s.checkDoor(cmd.Context()); err != nil {
				return exit{2, err}
			}
			if err := s.checkLastGood(); err != nil {
				return exit{2, err}
			}
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
		Database: reportDatabase{Kind: s.db.Kind(), Address: s.db.Address(), Through: s.db.Through(), Account: s.db.Account()},
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
	if len(names) == 0 {
		r.Warnings = append(r.Warnings, "there is no table to answer from; correct the database in dsn, or dbschema, "+
			"which the Perl script used for nothing but require")
	}
	var described []*sqlgen.Table
	for _, name := range names {
		t, err := s.db.Describe(ctx, name)
		var fault *sqlgen.Fault
		switch {
		case errors.As(err, &fault) && fault.Cause == sqlgen.UnknownTable:
			r.Warnings = append(r.Warnings, fmt.Sprintf("table %s: it is listed, but has no columns; if it is a view, look at the tables it is made of", name))
			continue
		case err != nil:
			return nil, err
		}
		described = append(described, t)
		r.Tables = append(r.Tables, reportTable{t.Name, len(t.Columns), operationsOf(s.db.Dialect(), t)})
		warnings, err := s.examine(ctx, t)
		if err != nil {
			return nil, err
		}
		r.Warnings = append(r.Warnings, warnings...)
	}
	r.Rights = reportRights(s.config)
	r.Warnings = append(r.Warnings, doubtfulRights(s.config, described)...)
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

// examine looks at one table: whether it takes what Asterisk writes, has the
// index that Asterisk's questions need, and holds values that the Perl script damaged. A table that the account
// may not read is none that dbsep answers for, and one that cannot be looked
// through is told without an end of the check.
func (s *site) examine(ctx context.Context, t *sqlgen.Table) (warnings []string, err error) {
	for _, look := range []func(context.Context, *sqlgen.Table) ([]string, error){s.fallsShort, s.unindexed, s.torn, s.doubled} {
		found, err := look(ctx, t)
		var fault *sqlgen.Fault
		switch {
		case err == nil:
			warnings = append(warnings, found...)
		case errors.As(err, &fault) && fault.Cause == sqlgen.Denied:
			return warnings, nil
		case errors.As(err, &fault) && fault.Cause == sqlgen.Timeout:
			return append(warnings, fmt.Sprintf("table %s: it cannot be looked through within statement_timeout, %v; "+
				"raise it and check again", t.Name, s.config.Limits.Statement)), nil
		case errors.As(err, &fault) && fault.Cause != sqlgen.Unavailable && fault.Cause != sqlgen.Canceled:
			return append(warnings, fmt.Sprintf("table %s: it cannot be looked through: %v", t.Name, unanswered(err))), nil
		default:
			return nil, err
		}
	}
	return warnings, nil
}

// fallsShort tells what Asterisk requires of a table in vain.
func (s *site) fallsShort(_ context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	for _, short := range sqlgen.Require(s.db.Dialect(), t, asterisk.Requires[t.Name]) {
		warnings = append(warnings, fmt.Sprintf("table %s: %s %s, but Asterisk requires it; %s",
			t.Name, short.Requirement.Column, short.Reason, short.Repair))
	}
	for _, short := range sqlgen.Require(s.db.Dialect(), t, asterisk.Stores[t.Name]) {
		if !short.Missing {
			warnings = append(warnings, fmt.Sprintf("table %s: %s %s, which Asterisk may store; a value that does not fit is refused; %s",
				t.Name, short.Requirement.Column, short.Reason, short.Repair))
		}
	}
	for _, name := range asterisk.Clears[t.Name] {
		if c := t.Column(name); c != nil && !c.Nullable && c.Class != sqlgen.Text {
			warnings = append(warnings, fmt.Sprintf("table %s: %s must not be NULL, but Asterisk clears it with an empty value, which is refused; "+
				"let the column take NULL", t.Name, c.Name))
		}
	}
	return warnings, nil
}

// manyRows is how many rows take longer to be read than a request should.
const manyRows = 1000

// unindexed finds a table that is read from end to end each time that Asterisk
// looks for some of its rows.
func (s *site) unindexed(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	column := asterisk.LookupByPrefix[t.Name]
	question, index, ok := sqlgen.Unindexed(s.db.Dialect(), t, column)
	if !ok {
		return nil, nil
	}
	counts, err := s.count(ctx, question)
	if err != nil {
		return nil, err
	}
	if rows, _ := strconv.Atoi(counts[0]); rows >= manyRows && counts[1] == "0" {
		warnings = append(warnings, fmt.Sprintf("table %s: each registration reads all its %d rows, since LIKE finds no index on %s; make one: %s",
			t.Name, rows, column, index))
	}
	return warnings, nil
}

// torn finds values with a plain ;, which come back as the parts of a list.
func (s *site) torn(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	question, ok := sqlgen.Uncoded(s.db.Dialect(), t, asterisk.SingleValued[t.Name])
	if !ok || s.config.Compat.Semicolons == "raw" {
		return nil, nil
	}
	counts, err := s.count(ctx, question)
	if err == nil && counts[0] != "0" {
		warnings = append(warnings, fmt.Sprintf("table %s: %s rows hold a plain ;, which tears their values; "+
			"empty the table at the switch, and the telephones register anew: %s", t.Name, counts[0], sqlgen.Empty(s.db.Dialect(), t)))
	}
	return warnings, err
}

// doubled finds texts that were encoded as UTF-8 twice.
func (s *site) doubled(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	question, suspects := sqlgen.Doubled(s.db.Dialect(), t)
	if len(suspects) == 0 {
		return nil, nil
	}
	counts, err := s.count(ctx, question)
	if err != nil {
		return nil, err
	}
	for i, suspect := range suspects {
		if counts[i] != "0" {
			warnings = append(warnings, fmt.Sprintf("table %s: %s rows hold text in %s that was encoded as UTF-8 twice; "+
				"at the switch back the table up, mend it, and check again: %s", t.Name, counts[i], suspect.Column, suspect.Mend))
		}
	}
	return warnings, nil
}

// count asks a question that is answered by one row of numbers, in the time that
// any statement has.
func (s *site) count(ctx context.Context, question sqlgen.Statement) (counts []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Limits.Statement)
	defer cancel()
	err = s.db.Query(ctx, question, func(columns [][]byte) error {
		for _, text := range columns {
			counts = append(counts, string(text))
		}
		return nil
	})
	return counts, err
}

// unanswered tells an administrator at the keyboard more of a database's fault
// than a client or a log may see.
func unanswered(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
