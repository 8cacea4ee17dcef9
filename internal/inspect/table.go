package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dbsep/internal/asterisk"
	"dbsep/internal/schema"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// inspectTable checks whether a table can store what Asterisk writes, whether the account
// may write it, whether it has the index that Asterisk's queries need, and whether it has
// values that the Perl script damaged. A table that the account may not read is skipped.
// One that cannot be searched is a warning.
func (s site) inspectTable(ctx context.Context, t *sqlgen.Table) (all []Finding, err error) {
	for _, inspect := range []func(context.Context, *sqlgen.Table) ([]Finding, error){
		s.unmetRequirements, s.missingOrder, s.unwritable, s.renumberedTexts, s.missingIndex, s.uncoded, s.doubleEncoded,
	} {
		found, err := s.limited(ctx, t, inspect)
		all = append(all, found...)
		fault, _ := errors.AsType[*sqlgen.Fault](err)
		switch {
		case err == nil:
		case fault.Cause == sqlgen.Denied:
			return all, nil
		case fault.Cause == sqlgen.Timeout:
			return append(all, ofTable(t.Name, fmt.Sprintf("it cannot be searched within statement_timeout, %v", s.Config.Limits.Statement), "raise it and check again", "")), nil
		case fault.Cause != sqlgen.Unavailable && fault.Cause != sqlgen.Canceled:
			return append(all, ofTable(t.Name, "it cannot be searched: "+withCause(fault), fault.Hint, "")), nil
		default:
			return all, err
		}
	}
	return all, nil
}

// limited inspects a table within the time limit of a statement.
func (s site) limited(ctx context.Context, t *sqlgen.Table, inspect func(context.Context, *sqlgen.Table) ([]Finding, error)) ([]Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Config.Limits.Statement)
	defer cancel()
	return inspect(ctx, t)
}

// unmetRequirements reports what Asterisk needs of a table that it does not have, where
// no version is known to compare with.
func (s site) unmetRequirements(_ context.Context, t *sqlgen.Table) (found []Finding, _ error) {
	if s.isCompared(t) {
		return nil, nil
	}
	if missing := missingColumns(s.tables, t); len(missing) > 0 {
		found = append(found, ofTable(t.Name, fmt.Sprintf("%s of Asterisk %s missing, such as %s", counted(len(missing), "column"), s.asterisk, missing[0]),
			"dbsep schema print writes the whole table for other databases", ""))
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
	column := t.Column(asterisk.LookupByPrefix[t.Name])
	if column == nil || column.Class != sqlgen.Text || s.isCompared(t) {
		return nil, nil
	}
	index, err := schema.MissingPrefixIndex(ctx, s.DB, t, column.Name)
	if err != nil || index == "" {
		return nil, err
	}
	rows, err := s.countRows(ctx, t)
	if err != nil || rows < manyRows {
		return nil, err
	}
	return []Finding{ofTable(t.Name, fmt.Sprintf("each registration reads all its %d rows, since LIKE finds no index on %s", rows, column.Name), "create one", index)}, nil
}

func (s site) countRows(ctx context.Context, t *sqlgen.Table) (int, error) {
	counts, err := s.texts(ctx, sqlgen.Count(s.DB.Dialect(), t))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(counts[0])
}

// uncoded finds values with a plain ;, which Asterisk splits there, and with a plain ^, which
// it reads as the beginning of a code.
func (s site) uncoded(ctx context.Context, t *sqlgen.Table) (found []Finding, _ error) {
	single := asterisk.SingleValued[t.Name]
	key, err := s.keyColumn(ctx, t)
	if err != nil || key == nil || setup.CompatOf(s.Config, t.Name).Semicolons == "raw" {
		return nil, err
	}
	query, ok := sqlgen.Uncoded(s.DB.Dialect(), t, single.Lookups, single.Others, key)
	if !ok {
		return nil, nil
	}
	counts, err := s.texts(ctx, query)
	if err != nil {
		return nil, err
	}
	hint := func(code string) (hint, sql string) {
		if slices.Contains(asterisk.Renewed, t.Name) {
			return "empty the table when you migrate, and the phones register again", sqlgen.Empty(s.DB.Dialect(), t)
		}
		return "write it as " + code + " there, as Asterisk's own drivers need it", ""
	}
	columns := strings.Join(slices.Concat(single.Lookups, single.Others), ", ")
	if counts[0] != "0" {
		h, sql := hint("^3B")
		found = append(found, ofTable(t.Name, fmt.Sprintf("%s a plain ; in %s, and Asterisk splits the value there; the first has %s %s",
			hold(counts[0]), columns, key.Name, shownKey(counts[1])), h, sql))
	}
	if counts[2] != "0" {
		h, sql := hint("^5E")
		found = append(found, ofTable(t.Name, fmt.Sprintf("%s a plain ^ in %s, and Asterisk reads another value, or does not find the row; the first has %s %s",
			hold(counts[2]), columns, key.Name, shownKey(counts[3])), h, sql))
	}
	return found, nil
}

// keyColumn is the column that names a row of a table with single values. Nil where there
// are none.
func (s site) keyColumn(ctx context.Context, t *sqlgen.Table) (*sqlgen.Column, error) {
	single, ok := asterisk.SingleValued[t.Name]
	if !ok {
		return nil, nil
	}
	keys, err := s.DB.Keys(ctx, t)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 {
		return t.Column(keys[0][0]), nil
	}
	return t.Column(single.Lookups[0]), nil
}

// hold is a number of rows with its verb.
func hold(rows string) string {
	if rows == "1" {
		return "1 row holds"
	}
	return rows + " rows hold"
}

// maxKey is how many characters of a key are shown.
const maxKey = 60

// shownKey is the key of a row, of which nothing is known, for a terminal.
func shownKey(key string) string {
	if runes := []rune(key); len(runes) > maxKey {
		key = string(runes[:maxKey]) + "..."
	}
	return strconv.Quote(key)
}

// doubleEncoded finds text that was encoded as UTF-8 twice (mojibake).
func (s site) doubleEncoded(ctx context.Context, t *sqlgen.Table) (found []Finding, _ error) {
	query, columns := sqlgen.BeyondASCII(s.DB.Dialect(), t)
	if len(columns) == 0 {
		return nil, nil
	}
	beyond, err := s.texts(ctx, query)
	if err != nil {
		return nil, err
	}
	for i, c := range columns {
		if beyond[i] != "1" {
			continue
		}
		query, fixes := sqlgen.Doubled(s.DB.Dialect(), t, c)
		ways, err := s.DB.ReadRows(ctx, query)
		if err != nil {
			return found, err
		}
		for _, way := range ways {
			if n, err := strconv.Atoi(way[0]); err == nil {
				found = append(found, ofTable(t.Name, fmt.Sprintf("%s text in %s that was encoded as UTF-8 twice", hold(way[1]), c.Name),
					"when you migrate, back up the table, fix it, and check again", fixes[n]))
			}
		}
	}
	return found, nil
}

// texts runs a query and returns the columns of its rows, one after another.
func (s site) texts(ctx context.Context, query sqlgen.Statement) (texts []string, err error) {
	err = s.DB.Query(ctx, query, func(columns [][]byte) error {
		for _, text := range columns {
			texts = append(texts, string(text))
		}
		return nil
	})
	return texts, err
}
