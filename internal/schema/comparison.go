package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dbsep/internal/asterisk"
	"dbsep/sqlgen"
)

// A comparison is one of a table.
type comparison struct {
	*Plan
	wanted  *asterisk.Table
	current *current
	added   []string // columns that the plan adds
}

func (c *comparison) add(reason string, statements ...string) *change {
	made := &change{table: c.wanted.Name, reason: reason, statements: statements}
	c.changes = append(c.changes, made)
	return made
}

func (c *comparison) compare(ctx context.Context) error {
	switch {
	case c.current == nil:
		c.add("the table is missing", c.database.create(c.wanted)...).isTable = true
		return nil
	case c.current.view:
		return nil // its columns are those of other tables
	}
	for i := range c.wanted.Columns {
		c.compareColumn(&c.wanted.Columns[i])
	}
	if err := c.compareKey(ctx, c.wanted.Primary, true); err != nil {
		return err
	}
	for _, key := range c.wanted.Unique {
		if err := c.compareKey(ctx, key, false); err != nil {
			return err
		}
	}
	c.compareIndexes()
	return nil
}

// table is the table's name in a statement.
func (c *comparison) table() string { return c.database.table(c.current.Name, c.current.Schema) }

func (c *comparison) compareColumn(wanted *asterisk.Column) {
	found := c.current.Column(wanted.Name)
	if found == nil {
		c.addColumn(wanted)
		return
	}
	more := c.current.columns[found.Name]
	if missing := missingValues(wanted, more); len(missing) > 0 {
		c.addValues(found, more, missing)
	} else if why := tooNarrow(wanted, found, more); why != "" {
		typ := c.database.typeOf(&wanted.Type)
		if wanted.Type.Kind == asterisk.DateTime && strings.HasPrefix(found.Type, "timestamp") {
			typ = strings.Replace(typ, "DATETIME", "TIMESTAMP", 1)
		}
		c.changeType(found, more, typ, fmt.Sprintf("%s %s", found.Name, why))
	}
	if found.Nullable || more.hasDefault || more.counted || slices.Contains(c.wanted.Primary, wanted.Name) {
		return
	}
	switch {
	case wanted.Default != nil && c.database.alter.setDefault == nil: // rows can do without it
	case wanted.Default != nil:
		c.fix(c.database.alter.setDefault, found, more, literal(wanted),
			found.Name+" must not be NULL and has no default, and rows are written without it")
	case !wanted.Required:
		c.fix(c.database.alter.allowNull, found, more, found.Type, found.Name+" must not be NULL and has no default, and Asterisk may leave it out")
	}
}

// addColumn adds a column that is missing. One that must have a value in each row is added
// where the database chooses it, or a default is one.
func (c *comparison) addColumn(wanted *asterisk.Column) {
	reason := wanted.Name + " is missing"
	switch {
	case wanted.Type.Counted:
		counted := slices.ContainsFunc(c.current.Columns, func(f sqlgen.Column) bool { return c.current.columns[f.Name].counted })
		if c.database.alter.setType == nil || counted {
			c.add(reason + ", and cannot be added to a table that has rows: make a new one (dbsep schema print), and copy the rows")
			return
		}
		key := " UNIQUE"
		if slices.Equal(c.wanted.Primary, []string{wanted.Name}) && c.current.primary == "" {
			key, c.current.primary = " PRIMARY KEY", "PRIMARY"
		}
		c.current.indexes = append(c.current.indexes, &currentIndex{name: wanted.Name, columns: []string{wanted.Name}, unique: true})
		c.add(reason, "ALTER TABLE "+c.table()+" ADD COLUMN "+c.database.column(wanted)+key)
		c.added = append(c.added, wanted.Name)
	case wanted.Required && wanted.Default == nil:
		c.add(reason + ", and each row needs a value of its own: add the column, and fill it")
	default:
		c.add(reason, "ALTER TABLE "+c.table()+" ADD COLUMN "+c.database.column(wanted))
		c.added = append(c.added, wanted.Name)
	}
}

// missingValues are the words of Asterisk that an enumeration lacks.
func missingValues(wanted *asterisk.Column, found *currentColumn) (missing []string) {
	if wanted.Type.Kind != asterisk.Choice || found.values == nil {
		return nil
	}
	for _, v := range wanted.Type.Values {
		if !slices.Contains(found.values, v) {
			missing = append(missing, v)
		}
	}
	return missing
}

// unlimited is a size of texts beyond which there is no limit that matters.
const unlimited = 16383

// tooNarrow says why a column cannot hold what Asterisk stores there, empty if it can.
func tooNarrow(wanted *asterisk.Column, found *sqlgen.Column, more *currentColumn) string {
	longest := wanted.Type.Size
	switch wanted.Type.Kind {
	case asterisk.Char:
		if more.values != nil {
			return "takes only some words, and Asterisk may store others"
		}
	case asterisk.Choice:
		longest = 0
		for _, v := range wanted.Type.Values {
			longest = max(longest, len(v))
		}
	case asterisk.LongText:
		longest = unlimited
	case asterisk.Integer, asterisk.BigInteger:
		bytes := 4
		if wanted.Type.Kind == asterisk.BigInteger {
			bytes = 8
		}
		if found.Class == sqlgen.Integer && found.Size > 0 && found.Size < bytes && !more.counted {
			return fmt.Sprintf("has %d bytes, and Asterisk may store %d", found.Size, bytes)
		}
		return ""
	case asterisk.DateTime:
		const secondChars = len("2026-01-02 03:04:05")
		if digits := wanted.Type.Size; digits > 0 && found.Class == sqlgen.DateTime && found.Size > 0 && found.Size < secondChars+1+digits {
			return "drops fractions of a second, which Asterisk stores"
		}
		return ""
	case asterisk.Bytes:
		if found.Class == sqlgen.Binary && found.Size > 0 {
			return fmt.Sprintf("holds %d bytes, and Asterisk may store more", found.Size)
		}
		return ""
	default:
		return ""
	}
	if found.Class == sqlgen.Text && more.values == nil && found.Size > 0 && found.Size < longest {
		if longest == unlimited {
			return fmt.Sprintf("holds %d characters, and Asterisk may store more", found.Size)
		}
		return fmt.Sprintf("holds %d characters, and Asterisk may store %d", found.Size, longest)
	}
	return ""
}

// addValues lets an enumeration take further words. Those that it has keep their places.
func (c *comparison) addValues(found *sqlgen.Column, more *currentColumn, missing []string) {
	reason := fmt.Sprintf("%s does not take %s", found.Name, strings.Join(missing, ", "))
	if more.enumType == "" {
		all := slices.Concat(more.values, missing)
		for i, v := range all {
			all[i] = textLiteral(v)
		}
		c.changeType(found, more, "ENUM("+strings.Join(all, ",")+")", reason)
		return
	}
	var statements []string
	for _, v := range missing {
		text := "ALTER TYPE " + more.enumType + " ADD VALUE IF NOT EXISTS " + textLiteral(v)
		if !c.planned(text) {
			statements = append(statements, text)
		}
	}
	if len(statements) > 0 {
		c.add(reason, statements...).alone = true
	}
}

// planned reports whether a statement is part of the plan already: columns may share a type.
func (p *Plan) planned(statement string) bool {
	return slices.ContainsFunc(p.changes, func(c *change) bool { return slices.Contains(c.statements, statement) })
}

func (c *comparison) changeType(found *sqlgen.Column, more *currentColumn, typ, reason string) {
	c.fix(c.database.alter.setType, found, more, typ, reason)
}

// fix changes a column, or says that it has to be done by hand.
func (c *comparison) fix(alter alterFunc, found *sqlgen.Column, more *currentColumn, definition, reason string) {
	if alter != nil {
		if statement := alter(c.table(), c.database.quoted(found.Name), found, more, definition); statement != "" {
			c.add(reason, statement)
			return
		}
	}
	c.add(reason + ": " + c.database.alter.byHand)
}

// compareKey adds a key that is missing, if the rows allow it.
func (c *comparison) compareKey(ctx context.Context, key []string, primary bool) error {
	if c.current.hasKey(key, primary && !c.database.nullableKeys) {
		return nil
	}
	list := strings.Join(key, ", ")
	reason := fmt.Sprintf("no key of %s", list)
	for _, name := range key {
		switch found := c.current.Column(name); {
		case found == nil:
			return nil // it was said that the column is missing
		case found.Class == sqlgen.Text && (found.Size == 0 || found.Size > unlimited) && c.database.indexesInside:
			c.add(fmt.Sprintf("%s, and %s has no limited length: give it one, such as VARCHAR(255), and compare again", reason, name))
			return nil
		}
	}
	rows, err := c.db.ReadRows(ctx, c.countOffenders(key))
	if err != nil {
		return fmt.Errorf("look for equal rows in %s: %w", c.wanted.Name, err)
	}
	if rows[0][0] != "0" || rows[0][1] != "0" {
		c.add(fmt.Sprintf("%s, and some rows have the same values there, or none: correct them, and compare again", reason))
		return nil
	}
	if primary && c.current.primary == "" && c.database.alter.setType != nil {
		c.add(reason, "ALTER TABLE "+c.table()+" ADD PRIMARY KEY ("+c.database.list(key)+")")
		return nil
	}
	name := c.current.freeName(c.wanted.Name + "_" + strings.Join(key, "_") + "_key")
	c.add(reason, "CREATE UNIQUE INDEX "+c.database.quoted(name)+" ON "+c.table()+" ("+c.database.list(key)+")")
	return nil
}

// countOffenders is a query for how many rows have no value in a column of a key, and
// whether several rows have the same values.
func (c *comparison) countOffenders(key []string) sqlgen.Statement {
	nulls := make([]string, len(key))
	for i, name := range key {
		nulls[i] = c.database.quoted(name) + " IS NULL"
	}
	return sqlgen.Statement{SQL: "SELECT (SELECT COUNT(*) FROM " + c.table() + " WHERE " + strings.Join(nulls, " OR ") + "), " +
		"(SELECT COUNT(*) FROM (SELECT 1 AS one FROM " + c.table() + " GROUP BY " + c.database.list(key) + " HAVING COUNT(*) > 1 LIMIT 1) AS twice)"}
}

func (c *comparison) compareIndexes() {
	for _, i := range c.database.indexes(c.wanted) {
		missing := slices.ContainsFunc(i.columns, func(name string) bool { return c.current.Column(name) == nil && !slices.Contains(c.added, name) })
		switch {
		case missing, i.prefix && c.current.hasPrefixIndex(i.columns[0]), !i.prefix && c.current.hasIndex(i.columns):
			continue
		}
		reason := "no index of " + strings.Join(i.columns, ", ")
		if i.prefix {
			reason += " that LIKE can use"
		}
		i.name = c.current.freeName(i.name)
		c.add(reason, c.database.createIndex(c.table(), i))
	}
}
