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

// inspectTable checks whether a table can store what Asterisk writes, whether the account
// may write it, whether it has the index that Asterisk's queries need, and whether it has
// values that the Perl script damaged. A table that the account may not read is skipped.
// One that cannot be searched is a warning.
func (s site) inspectTable(ctx context.Context, t *sqlgen.Table) (all []Finding, err error) {
	for _, inspect := range []func(context.Context, *sqlgen.Table) ([]Finding, error){
		s.unmetRequirements, s.missingOrder, s.missingWriteRight, s.renumberedTexts, s.missingIndex, s.plainSemicolons, s.doubleEncoded,
	} {
		found, err := inspect(ctx, t)
		fault, _ := errors.AsType[*sqlgen.Fault](err)
		switch {
		case err == nil:
			all = append(all, found...)
		case fault.Cause == sqlgen.Denied:
			return all, nil
		case fault.Cause == sqlgen.Timeout:
			return append(all, ofTable(t.Name, fmt.Sprintf("it cannot be searched within statement_timeout, %v", s.Config.Limits.Statement), "raise it and check again", "")), nil
		case fault.Cause != sqlgen.Unavailable && fault.Cause != sqlgen.Canceled:
			return append(all, ofTable(t.Name, "it cannot be searched: "+withCause(fault), fault.Hint, "")), nil
		default:
			return nil, err
		}
	}
	return all, nil
}

// unmetRequirements reports what Asterisk needs of a table that it does not have, where
// no version is known to compare with.
func (s site) unmetRequirements(_ context.Context, t *sqlgen.Table) (found []Finding, _ error) {
	if s.isCompared(t) {
		return nil, nil
	}
	for _, unmet := range sqlgen.Require(s.DB.Dialect(), t, asterisk.Requires[t.Name]) {
		found = append(found, ofTable(t.Name, fmt.Sprintf("%s %s, but Asterisk requires it", unmet.Requirement.Column, unmet.Reason), "change the table", unmet.Repair))
	}
	for _, unmet := range sqlgen.Require(s.DB.Dialect(), t, asterisk.Stores[t.Name]) {
		if !unmet.Missing {
			found = append(found, ofTable(t.Name, fmt.Sprintf("%s %s, which Asterisk may store; a value that does not fit is refused", unmet.Requirement.Column, unmet.Reason),
				"change the table", unmet.Repair))
		}
	}
	for _, name := range asterisk.Clears[t.Name] {
		if c := t.Column(name); c != nil && !c.Nullable && c.Class != sqlgen.Text {
			found = append(found, ofTable(t.Name, c.Name+" must not be NULL, but Asterisk clears it with an empty value, which is refused", "allow NULL in the column", ""))
		}
	}
	return found, nil
}

// missingWriteRight reports a table that Asterisk writes and the account may not.
func (s site) missingWriteRight(ctx context.Context, t *sqlgen.Table) ([]Finding, error) {
	if !asterisk.Writes(t.Name) {
		return nil, nil
	}
	_, err := s.texts(ctx, sqlgen.ExplainUpdate(s.DB.Dialect(), t))
	fault, _ := errors.AsType[*sqlgen.Fault](err)
	switch {
	case err != nil && fault.Cause == sqlgen.Denied:
		return []Finding{ofTable(t.Name, "Asterisk writes it, and the account may not", "grant it INSERT, UPDATE and DELETE", "")}, nil
	case err != nil && (fault.Cause == sqlgen.Unavailable || fault.Cause == sqlgen.Canceled):
		return nil, err
	}
	return nil, nil // what else keeps an update from being planned may be about its column
}

// renumberedTexts finds columns that change texts of digits.
func (s site) renumberedTexts(_ context.Context, t *sqlgen.Table) (found []Finding, _ error) {
	check := s.DB.Dialect().Check
	if check == nil || check.Renumbers == nil {
		return nil, nil
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; check.Renumbers(c) {
			found = append(found, ofTable(t.Name, fmt.Sprintf("%s is declared %s, which %s does not know as a type for text: it stores 007 as 7", c.Name, c.Type, s.DB.Kind()),
				"make a new table with TEXT for it, and copy the rows", ""))
		}
	}
	return found, nil
}

// manyRows is from how many rows on it takes too long to read all of a table.
const manyRows = 1000

// missingIndex finds a table that is read from end to end each time that Asterisk looks
// up some of its rows.
func (s site) missingIndex(ctx context.Context, t *sqlgen.Table) ([]Finding, error) {
	column := asterisk.LookupByPrefix[t.Name]
	query, index, ok := sqlgen.Unindexed(s.DB.Dialect(), t, column)
	if !ok || s.isCompared(t) {
		return nil, nil
	}
	counts, err := s.texts(ctx, query)
	if err != nil {
		return nil, err
	}
	if rows, _ := strconv.Atoi(counts[0]); rows >= manyRows && counts[1] == "0" {
		return []Finding{ofTable(t.Name, fmt.Sprintf("each registration reads all its %d rows, since LIKE finds no index on %s", rows, column), "create one", index)}, nil
	}
	return nil, nil
}

// plainSemicolons finds values with a plain ;, which Asterisk splits there.
func (s site) plainSemicolons(ctx context.Context, t *sqlgen.Table) ([]Finding, error) {
	query, ok := sqlgen.Uncoded(s.DB.Dialect(), t, asterisk.SingleValued[t.Name])
	if !ok || setup.CompatOf(s.Config, t.Name).Semicolons == "raw" {
		return nil, nil
	}
	counts, err := s.texts(ctx, query)
	if err != nil || counts[0] == "0" {
		return nil, err
	}
	return []Finding{ofTable(t.Name, fmt.Sprintf("%s rows hold a plain ;, and Asterisk splits the value there", counts[0]),
		"empty the table when you migrate, and the phones register again", sqlgen.Empty(s.DB.Dialect(), t))}, nil
}

// doubleEncoded finds text that was encoded as UTF-8 twice (mojibake).
func (s site) doubleEncoded(ctx context.Context, t *sqlgen.Table) (found []Finding, _ error) {
	query, suspects := sqlgen.Doubled(s.DB.Dialect(), t)
	if len(suspects) == 0 {
		return nil, nil
	}
	counts, err := s.texts(ctx, query)
	if err != nil {
		return nil, err
	}
	for i, suspect := range suspects {
		if counts[i] != "0" {
			found = append(found, ofTable(t.Name, fmt.Sprintf("%s rows hold text in %s that was encoded as UTF-8 twice", counts[i], suspect.Column),
				"when you migrate, back up the table, fix it, and check again", suspect.Fix))
		}
	}
	return found, nil
}

// texts runs a query and returns the columns of its rows, one after another. It has the
// time limit of any statement.
func (s site) texts(ctx context.Context, query sqlgen.Statement) (texts []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Config.Limits.Statement)
	defer cancel()
	err = s.DB.Query(ctx, query, func(columns [][]byte) error {
		for _, text := range columns {
			texts = append(texts, string(text))
		}
		return nil
	})
	return texts, err
}
