//go:build odbc

package odbc

// #include <sql.h>
// #include <sqlext.h>
// #include <sqlucode.h>
import "C"

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"strings"

	"dbsep/sqlgen"
)

// The statements that ODBC has no SQL for. The tables and columns of a schema
// come from calls, to which each driver responds from its database's own catalog.
const (
	callPrefix        = "{dbsep "
	probeCall         = callPrefix + "probe}"
	versionCall       = callPrefix + "version}"
	tablesCall        = callPrefix + "tables of ?}"
	columnsCall       = callPrefix + "columns of ? in ?}"
	columnsFoldedCall = callPrefix + "columns of ? in any case in ?}"
)

// A catalogStatement is one of these statements.
type catalogStatement struct {
	conn *conn
	text string
}

func (s *catalogStatement) Close() error                               { return nil }
func (s *catalogStatement) NumInput() int                              { return -1 }
func (s *catalogStatement) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (s *catalogStatement) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

func (s *catalogStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	texts := make([]string, 2)
	for i, a := range args {
		texts[i], _ = a.Value.(string)
	}
	var rows [][]driver.Value
	err := s.conn.await(ctx, nil, func() (err error) {
		rows, err = s.rows(texts[0], texts[1])
		return err
	})
	if err != nil {
		return nil, s.conn.lost(err)
	}
	return &catalogRows{rows}, nil
}

func (s *catalogStatement) rows(first, second string) ([][]driver.Value, error) {
	switch s.text {
	case probeCall:
		_, err := s.conn.tablesLike("dbsep") // any query that the database itself has to respond to
		return [][]driver.Value{{"1"}}, err
	case versionCall:
		return [][]driver.Value{{s.conn.database + " " + s.conn.version}}, nil
	case tablesCall:
		all, err := s.conn.tables("", first)
		var rows [][]driver.Value
		for _, t := range all {
			rows = append(rows, []driver.Value{t.name})
		}
		return rows, err
	}
	return s.conn.columns(first, second, s.text == columnsFoldedCall)
}

// A table is a table or view where the catalog has it.
type table struct{ catalog, schema, name string }

// tables lists the tables of the schema that is meant, one for each name; those
// of one name where that is not empty.
func (c *conn) tables(name, schema string) ([]table, error) {
	found, err := c.tablesLike(name)
	if err != nil {
		return nil, err
	}
	best := make(map[string]table)
	for _, t := range found {
		if t.catalog != "" && c.catalog != "" && t.catalog != c.catalog || c.rank(t, schema) < 0 {
			continue
		}
		if other, taken := best[t.name]; !taken || c.rank(t, schema) < c.rank(other, schema) {
			best[t.name] = t
		}
	}
	tables := make([]table, 0, len(best))
	for _, t := range best {
		tables = append(tables, t)
	}
	return tables, nil
}

// rank is the place of a table's schema among those that a name without one may
// mean, the lowest first; -1 for all others. ODBC has no call that returns it.
func (c *conn) rank(t table, schema string) int {
	if schema != "" {
		if t.schema == schema {
			return 0
		}
		return -1
	}
	for i, meant := range [...]string{"", c.account, "public", "dbo"} {
		if strings.EqualFold(t.schema, meant) {
			return i
		}
	}
	return -1
}

// tablesLike lists the tables and views whose name matches a pattern. The empty
// pattern matches all.
func (c *conn) tablesLike(pattern string) (found []table, err error) {
	if pattern == "" {
		pattern = "%"
	}
	err = c.readRows(func(h C.SQLHSTMT) C.SQLRETURN {
		catalog, catalogLength := c.argument(c.catalog)
		name, nameLength := c.argument(pattern)
		types, typesLength := c.argument("TABLE,VIEW")
		return C.SQLTablesW(h, catalog, catalogLength, nil, 0, name, nameLength, types, typesLength)
	}, func(row []string) {
		found = append(found, table{row[0], row[1], row[2]})
	})
	return found, err
}

// columns describes a table, or every table whose name differs in case only.
func (c *conn) columns(name, schema string, folded bool) ([][]driver.Value, error) {
	all, err := c.tables("", schema)
	if err != nil {
		return nil, err
	}
	var rows [][]driver.Value
	for _, t := range all {
		if t.name != name && (!folded || !strings.EqualFold(t.name, name)) {
			continue
		}
		if err := c.describe(t, func(row []driver.Value) { rows = append(rows, row) }); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// The columns of SQLColumns' result, from 0.
const (
	columnTable    = 2
	columnName     = 3
	columnType     = 4
	columnSize     = 6
	columnNullable = 10
)

func (c *conn) describe(t table, row func([]driver.Value)) error {
	schema := ""
	if c.schemas {
		schema = t.schema
	}
	return c.readRows(func(h C.SQLHSTMT) C.SQLRETURN {
		catalog, catalogLength := c.argument(t.catalog)
		owner, ownerLength := c.argument(t.schema)
		// A pattern: it fits the name itself, and what else it fits is left out.
		name, nameLength := c.argument(strings.ReplaceAll(t.name, `\`, `\\`))
		return C.SQLColumnsW(h, catalog, catalogLength, owner, ownerLength, name, nameLength, nil, 0)
	}, func(cells []string) {
		if cells[columnTable] != t.name || cells[1] != t.schema {
			return
		}
		number, _ := strconv.Atoi(cells[columnType])
		nullable := "0"
		if cells[columnNullable] != strconv.Itoa(C.SQL_NO_NULLS) {
			nullable = "1"
		}
		row([]driver.Value{t.name, cells[columnName], typeName(number), cells[columnSize], nullable, "0", nil, schema})
	})
}

// argument is a text for a call of the catalog. An empty one is none, which is
// not the same as one without a character.
func (c *conn) argument(text string) (*C.SQLWCHAR, C.SQLSMALLINT) {
	if text == "" {
		return nil, 0
	}
	wide := wideText(text)
	return &wide[0], C.SQLSMALLINT(len(wide) - 1)
}

// readRows makes a call that returns rows.
func (c *conn) readRows(call func(C.SQLHSTMT) C.SQLRETURN, row func(cells []string)) error {
	h := &handle{conn: c}
	if err := h.allocate(); err != nil {
		return err
	}
	defer C.SQLFreeHandle(C.SQL_HANDLE_STMT, h.h)
	if err := h.check(call(h.h)); err != nil {
		return err
	}
	rows := &rows{handle: h}
	if err := rows.describe(); err != nil {
		return err
	}
	values := make([]driver.Value, len(rows.types))
	for {
		clear(values)
		if err := rows.fetch(values); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		cells := make([]string, len(values))
		for i, v := range values {
			text, _ := v.([]byte)
			cells[i] = string(text)
		}
		row(cells)
	}
}

// catalogRows are rows that are known already.
type catalogRows struct{ rows [][]driver.Value }

func (a *catalogRows) Close() error { return nil }

func (a *catalogRows) Columns() []string {
	if len(a.rows) == 0 {
		return nil
	}
	return make([]string, len(a.rows[0]))
}

func (a *catalogRows) Next(dest []driver.Value) error {
	if len(a.rows) == 0 {
		return io.EOF
	}
	copy(dest, a.rows[0])
	a.rows = a.rows[1:]
	return nil
}

// types are ODBC's types by their numbers, and the classes of those that
// are no texts. Drivers name their databases' types as they like.
var types = map[int]struct {
	name  string
	class sqlgen.Class
	size  int
}{
	C.SQL_CHAR: {"CHAR", sqlgen.Text, 0}, C.SQL_VARCHAR: {"VARCHAR", sqlgen.Text, 0}, C.SQL_LONGVARCHAR: {"LONG VARCHAR", sqlgen.Text, 0},
	C.SQL_WCHAR: {"WCHAR", sqlgen.Text, 0}, C.SQL_WVARCHAR: {"WVARCHAR", sqlgen.Text, 0}, C.SQL_WLONGVARCHAR: {"LONG WVARCHAR", sqlgen.Text, 0},
	C.SQL_BIT: {"BIT", sqlgen.Boolean, 0}, C.SQL_TINYINT: {"TINYINT", sqlgen.Integer, 1}, C.SQL_SMALLINT: {"SMALLINT", sqlgen.Integer, 2},
	C.SQL_INTEGER: {"INTEGER", sqlgen.Integer, 4}, C.SQL_BIGINT: {"BIGINT", sqlgen.Integer, 8},
	C.SQL_NUMERIC: {"NUMERIC", sqlgen.Decimal, 0}, C.SQL_DECIMAL: {"DECIMAL", sqlgen.Decimal, 0},
	C.SQL_REAL: {"REAL", sqlgen.Float, 0}, C.SQL_FLOAT: {"FLOAT", sqlgen.Float, 0}, C.SQL_DOUBLE: {"DOUBLE", sqlgen.Float, 0},
	C.SQL_TYPE_DATE: {"DATE", sqlgen.Date, 0}, C.SQL_TYPE_TIME: {"TIME", sqlgen.Time, 0}, C.SQL_TYPE_TIMESTAMP: {"TIMESTAMP", sqlgen.DateTime, 0},
	C.SQL_DATE: {"DATE", sqlgen.Date, 0}, C.SQL_TIME: {"TIME", sqlgen.Time, 0}, C.SQL_TIMESTAMP: {"TIMESTAMP", sqlgen.DateTime, 0},
	C.SQL_BINARY: {"BINARY", sqlgen.Binary, 0}, C.SQL_VARBINARY: {"VARBINARY", sqlgen.Binary, 0}, C.SQL_LONGVARBINARY: {"LONG VARBINARY", sqlgen.Binary, 0},
}

func typeName(number int) string {
	if t, known := types[number]; known {
		return t.name
	}
	return "type " + strconv.Itoa(number)
}

// classifyType takes a name that typeName has made.
func classifyType(declared string, characters int) (class sqlgen.Class, size int, unsigned bool) {
	for _, t := range types {
		switch {
		case t.name != declared:
		case t.class == sqlgen.Text && !strings.HasPrefix(declared, "LONG") && characters <= 65535:
			return sqlgen.Text, characters, false
		default:
			return t.class, t.size, false
		}
	}
	return sqlgen.Other, 0, false
}
