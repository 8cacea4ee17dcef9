package inspect

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"dbsep/internal/asterisk"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// A site is what is inspected.
type site struct{ *setup.Loaded }

// Check explains a configuration, connects to its database and inspects the tables.
// Its error is a reason why dbsep could not work.
func Check(ctx context.Context, l *setup.Loaded) (*Report, error) {
	s := site{l}
	if err := s.checkAccess(ctx); err != nil {
		return nil, err
	}
	if err := l.CheckStaleCache(); err != nil {
		return nil, err
	}
	r, err := s.check(ctx)
	if err != nil {
		return nil, withCause(err)
	}
	return r, nil
}

func (s site) check(ctx context.Context) (*Report, error) {
	r := &Report{
		File:     s.Config.File,
		Settings: settingsOf(s.Config),
		Database: Database{Kind: s.DB.Kind(), Address: s.DB.Address(), Through: s.DB.Through(), Account: s.DB.Account()},
		Tables:   []Table{},
		Warnings: []string{},
	}
	for _, p := range s.Warnings() {
		r.Warnings = append(r.Warnings, p.Error())
	}
	var err error
	if r.Database.Version, err = s.DB.Version(ctx); err != nil {
		return nil, err
	}
	names, err := s.DB.Tables(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		r.Warnings = append(r.Warnings, "there is no table to answer from; correct the database in dsn, or dbschema, "+
			"which the Perl script used for nothing but require")
	}
	var described []*sqlgen.Table
	for _, name := range names {
		t, err := s.DB.Describe(ctx, name)
		var fault *sqlgen.Fault
		switch {
		case errors.As(err, &fault) && fault.Cause == sqlgen.UnknownTable:
			r.Warnings = append(r.Warnings, fmt.Sprintf("table %s: it is listed, but has no columns; if it is a view, look at the tables it is made of", name))
			continue
		case err != nil:
			return nil, err
		}
		described = append(described, t)
		r.Tables = append(r.Tables, Table{t.Name, len(t.Columns), operationsOf(s.DB.Dialect(), t)})
		warnings, err := s.examine(ctx, t)
		if err != nil {
			return nil, err
		}
		r.Warnings = append(r.Warnings, warnings...)
	}
	r.Rights = rightsOf(s.Config)
	r.Warnings = append(r.Warnings, doubtfulRights(s.Config, described)...)
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
func (s site) examine(ctx context.Context, t *sqlgen.Table) (warnings []string, err error) {
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
				"raise it and check again", t.Name, s.Config.Limits.Statement)), nil
		case errors.As(err, &fault) && fault.Cause != sqlgen.Unavailable && fault.Cause != sqlgen.Canceled:
			return append(warnings, fmt.Sprintf("table %s: it cannot be looked through: %v", t.Name, withCause(err))), nil
		default:
			return nil, err
		}
	}
	return warnings, nil
}

// fallsShort tells what Asterisk requires of a table in vain.
func (s site) fallsShort(_ context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	for _, short := range sqlgen.Require(s.DB.Dialect(), t, asterisk.Requires[t.Name]) {
		warnings = append(warnings, fmt.Sprintf("table %s: %s %s, but Asterisk requires it; %s",
			t.Name, short.Requirement.Column, short.Reason, short.Repair))
	}
	for _, short := range sqlgen.Require(s.DB.Dialect(), t, asterisk.Stores[t.Name]) {
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
func (s site) unindexed(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	column := asterisk.LookupByPrefix[t.Name]
	question, index, ok := sqlgen.Unindexed(s.DB.Dialect(), t, column)
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
func (s site) torn(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	question, ok := sqlgen.Uncoded(s.DB.Dialect(), t, asterisk.SingleValued[t.Name])
	if !ok || s.Config.Compat.Semicolons == "raw" {
		return nil, nil
	}
	counts, err := s.count(ctx, question)
	if err == nil && counts[0] != "0" {
		warnings = append(warnings, fmt.Sprintf("table %s: %s rows hold a plain ;, which tears their values; "+
			"empty the table at the switch, and the telephones register anew: %s", t.Name, counts[0], sqlgen.Empty(s.DB.Dialect(), t)))
	}
	return warnings, err
}

// doubled finds texts that were encoded as UTF-8 twice.
func (s site) doubled(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	question, suspects := sqlgen.Doubled(s.DB.Dialect(), t)
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
func (s site) count(ctx context.Context, question sqlgen.Statement) (counts []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Config.Limits.Statement)
	defer cancel()
	err = s.DB.Query(ctx, question, func(columns [][]byte) error {
		for _, text := range columns {
			counts = append(counts, string(text))
		}
		return nil
	})
	return counts, err
}

// withCause adds to a database's error what an administrator at the keyboard may see,
// and a client or a log may not.
func withCause(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
