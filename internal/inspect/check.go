package inspect

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"dbsep/gateway"
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
		r.Warnings = append(r.Warnings, "there is no table; correct the database in dsn, or dbschema, "+
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
		r.Tables = append(r.Tables, Table{t.Name, len(t.Columns), operationsOf(s.DB.Dialect(), t), setup.CompatOf(s.Config, t.Name).Pattern})
		warnings, err := s.inspectTable(ctx, t)
		if err != nil {
			return nil, err
		}
		r.Warnings = append(r.Warnings, warnings...)
	}
	r.Rights = rightsOf(s.Config)
	r.Warnings = append(r.Warnings, rightsOfNothing(s.Config, described)...)
	r.Warnings = append(r.Warnings, compatOfNothing(s.Config, described)...)
	return r, nil
}

// operationsOf are the operations that make sense on a table: static where it
// has the columns of static files, all others elsewhere.
func operationsOf(d *sqlgen.Dialect, t *sqlgen.Table) []string {
	_, err := sqlgen.Static(d, t, "")
	var names []string
	for _, o := range gateway.Operations() {
		if (o.Name == "static") == (err == nil) {
			names = append(names, o.Name)
		}
	}
	return names
}

// inspectTable checks whether a table can store what Asterisk writes, has the index that
// Asterisk's queries need, and has values that the Perl script damaged. A table that the
// account may not read is skipped. One that cannot be searched is a warning.
func (s site) inspectTable(ctx context.Context, t *sqlgen.Table) (warnings []string, err error) {
	for _, inspect := range []func(context.Context, *sqlgen.Table) ([]string, error){s.unmetRequirements, s.missingOrder, s.renumberedTexts, s.missingIndex, s.plainSemicolons, s.doubleEncoded} {
		found, err := inspect(ctx, t)
		var fault *sqlgen.Fault
		switch {
		case err == nil:
			warnings = append(warnings, found...)
		case errors.As(err, &fault) && fault.Cause == sqlgen.Denied:
			return warnings, nil
		case errors.As(err, &fault) && fault.Cause == sqlgen.Timeout:
			return append(warnings, fmt.Sprintf("table %s: it cannot be searched within statement_timeout, %v; "+
				"raise it and check again", t.Name, s.Config.Limits.Statement)), nil
		case errors.As(err, &fault) && fault.Cause != sqlgen.Unavailable && fault.Cause != sqlgen.Canceled:
			return append(warnings, fmt.Sprintf("table %s: it cannot be searched: %v", t.Name, withCause(err))), nil
		default:
			return nil, err
		}
	}
	return warnings, nil
}

// unmetRequirements reports what Asterisk needs of a table that it does not have.
func (s site) unmetRequirements(_ context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	for _, unmet := range sqlgen.Require(s.DB.Dialect(), t, asterisk.Requires[t.Name]) {
		warnings = append(warnings, fmt.Sprintf("table %s: %s %s, but Asterisk requires it; %s",
			t.Name, unmet.Requirement.Column, unmet.Reason, unmet.Repair))
	}
	for _, unmet := range sqlgen.Require(s.DB.Dialect(), t, asterisk.Stores[t.Name]) {
		if !unmet.Missing {
			warnings = append(warnings, fmt.Sprintf("table %s: %s %s, which Asterisk may store; a value that does not fit is refused; %s",
				t.Name, unmet.Requirement.Column, unmet.Reason, unmet.Repair))
		}
	}
	for _, name := range asterisk.Clears[t.Name] {
		if c := t.Column(name); c != nil && !c.Nullable && c.Class != sqlgen.Text {
			warnings = append(warnings, fmt.Sprintf("table %s: %s must not be NULL, but Asterisk clears it with an empty value, which is refused; "+
				"allow NULL in the column", t.Name, c.Name))
		}
	}
	return warnings, nil
}

// renumberedTexts finds columns that change texts of digits.
func (s site) renumberedTexts(_ context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	check := s.DB.Dialect().Check
	if check == nil || check.Renumbers == nil {
		return nil, nil
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; check.Renumbers(c) {
			warnings = append(warnings, fmt.Sprintf("table %s: %s is declared %s, which %s does not know as a type for text: it stores 007 as 7; "+
				"make a new table with TEXT for it, and copy the rows", t.Name, c.Name, c.Type, s.DB.Kind()))
		}
	}
	return warnings, nil
}

// manyRows is from how many rows on it takes too long to read all of a table.
const manyRows = 1000

// missingIndex finds a table that is read from end to end each time that Asterisk looks
// up some of its rows.
func (s site) missingIndex(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	column := asterisk.LookupByPrefix[t.Name]
	query, index, ok := sqlgen.Unindexed(s.DB.Dialect(), t, column)
	if !ok {
		return nil, nil
	}
	counts, err := s.count(ctx, query)
	if err != nil {
		return nil, err
	}
	if rows, _ := strconv.Atoi(counts[0]); rows >= manyRows && counts[1] == "0" {
		warnings = append(warnings, fmt.Sprintf("table %s: each registration reads all its %d rows, since LIKE finds no index on %s; create one: %s",
			t.Name, rows, column, index))
	}
	return warnings, nil
}

// plainSemicolons finds values with a plain ;, which Asterisk splits there.
func (s site) plainSemicolons(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	query, ok := sqlgen.Uncoded(s.DB.Dialect(), t, asterisk.SingleValued[t.Name])
	if !ok || setup.CompatOf(s.Config, t.Name).Semicolons == "raw" {
		return nil, nil
	}
	counts, err := s.count(ctx, query)
	if err == nil && counts[0] != "0" {
		warnings = append(warnings, fmt.Sprintf("table %s: %s rows hold a plain ;, and Asterisk splits the value there; "+
			"empty the table when you migrate, and the phones register again: %s", t.Name, counts[0], sqlgen.Empty(s.DB.Dialect(), t)))
	}
	return warnings, err
}

// doubleEncoded finds text that was encoded as UTF-8 twice (mojibake).
func (s site) doubleEncoded(ctx context.Context, t *sqlgen.Table) (warnings []string, _ error) {
	query, suspects := sqlgen.Doubled(s.DB.Dialect(), t)
	if len(suspects) == 0 {
		return nil, nil
	}
	counts, err := s.count(ctx, query)
	if err != nil {
		return nil, err
	}
	for i, suspect := range suspects {
		if counts[i] != "0" {
			warnings = append(warnings, fmt.Sprintf("table %s: %s rows hold text in %s that was encoded as UTF-8 twice; "+
				"when you migrate, back up the table, fix it, and check again: %s", t.Name, counts[i], suspect.Column, suspect.Fix))
		}
	}
	return warnings, nil
}

// count runs a query that returns one row of numbers. It has the time limit of any
// statement.
func (s site) count(ctx context.Context, query sqlgen.Statement) (counts []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Config.Limits.Statement)
	defer cancel()
	err = s.DB.Query(ctx, query, func(columns [][]byte) error {
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
