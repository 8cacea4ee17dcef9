package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dbsep/internal/database"
)

// neededSettings are the settings of a session that requests rely on, each with the
// value that it needs. A server's configuration, its init_connect or the source's
// own command may have left others: without autocommit no write is ever seen,
// with sql_select_limit rows are missing.
var neededSettings = [...]struct{ name, needed string }{
	{"autocommit", "1"},
	{"sql_select_limit", "18446744073709551615"},
	{"sql_safe_updates", "0"},
	{"sql_big_selects", "1"},
}

// charsetSettings are the settings that SET NAMES sets.
var charsetSettings = [...]string{"character_set_client", "character_set_connection", "character_set_results"}

const setNames = "NAMES utf8mb4"

// serverIdentity is an expression for what distinguishes a server from others, of what
// every version has, and where there is one its own identifier: MariaDB before 11.8 and
// MySQL before 5.7 read it as a comment.
const serverIdentity = "CONCAT_WS('|', @@hostname, @@port, @@server_id, @@datadir /*!50700 , @@server_uuid */ /*M!110800 , @@server_uid */)"

// settings are what a session is, as its server says.
type settings struct {
	mode   sqlMode
	id     uint64 // of the connection in the server; 0 where that is not known
	server string // see serverIdentity

	charset string // of the texts that are sent

	statements int // that may be prepared in the server by all its clients
}

// StatementLimit is what the server's max_prepared_stmt_count says.
func (s *settings) StatementLimit() int { return s.statements }

// IsText reports whether a value is text in the character set of the session. MySQL
// compares with the text before the first byte that is none.
func (s *settings) IsText(value string) bool {
	switch s.charset {
	case "utf8mb4":
		return utf8.ValidString(value)
	case "utf8mb3", "utf8":
		return utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool { return r > 0xffff })
	}
	return true
}

// settleSession makes a new session one that requests can rely on, runs the command
// of the source, and returns what the session is. charset says that texts are sent
// as utf8mb4. The settings are read in one
// statement and only those that differ are set, so that a pooler in front of the
// server sees no SET in the usual case.
func settleSession(ctx context.Context, conn driver.Conn, command string, charset bool) (settings, error) {
	if command != "" { // which may choose another character set
		charset = false
		for _, text := range [...]string{"SET " + setNames, command} {
			if err := execute(ctx, conn, text); err != nil {
				return settings{}, err
			}
		}
	}
	names := []string{"sql_mode"}
	for _, s := range neededSettings {
		names = append(names, s.name)
	}
	names = append(names, charsetSettings[:]...)
	values, err := firstRow(ctx, conn, "SELECT CONNECTION_ID(), "+serverIdentity+", @@max_prepared_stmt_count, @@"+strings.Join(names, ", @@"))
	if err != nil {
		return settings{}, fmt.Errorf("read the settings of the session: %w", err)
	}
	found := settings{server: values[1], mode: newSQLMode(values[3])}
	found.id, _ = strconv.ParseUint(values[0], 10, 64)
	found.statements, _ = strconv.Atoi(values[2])
	values = values[4:]
	var changes []string
	for i, s := range neededSettings {
		if values[i] != s.needed {
			changes = append(changes, s.name+" = "+s.needed)
		}
	}
	charsets := values[len(neededSettings):]
	found.charset = charsets[0]
	if charset && slices.ContainsFunc(charsets, func(c string) bool { return c != "utf8mb4" }) {
		changes = append(changes, setNames)
		found.charset = "utf8mb4"
	}
	if !found.mode.strict {
		changes = append(changes, found.mode.change(true))
	}
	if len(changes) == 0 {
		return found, nil
	}
	if err := execute(ctx, conn, "SET "+strings.Join(changes, ", ")); err != nil {
		return settings{}, fmt.Errorf("set the settings of the session: %w", err)
	}
	found.mode.strict = true
	return found, nil
}

// A sqlMode is what sql_mode says of a session: whether values that do not fit
// their columns are refused, or stored as something else.
type sqlMode struct {
	known     bool   // the database has one
	own       string // what the server, or the command of the source, made it
	ownStrict bool
	strict    bool // at the moment
}

func newSQLMode(own string) sqlMode {
	is := slices.ContainsFunc(strings.Split(own, ","), func(mode string) bool {
		return mode == "STRICT_TRANS_TABLES" || mode == "STRICT_ALL_TABLES"
	})
	return sqlMode{known: true, own: own, ownStrict: is, strict: is}
}

// set makes a session strict, or as its server has it.
func (m *sqlMode) set(ctx context.Context, conn driver.Conn, strict bool) error {
	strict = strict || m.ownStrict
	if m.strict == strict || !m.known {
		return nil
	}
	if err := execute(ctx, conn, "SET "+m.change(strict)); err != nil {
		return err
	}
	m.strict = strict
	return nil
}

// change spells the assignment that makes a session strict, or as its server has it.
func (m *sqlMode) change(strict bool) string {
	mode := m.own
	if strict {
		mode = strings.TrimPrefix(mode+",STRICT_TRANS_TABLES", ",")
	}
	return "sql_mode = '" + strings.ReplaceAll(mode, "'", "''") + "'"
}

// execute runs a statement without arguments.
func execute(ctx context.Context, conn driver.Conn, text string) error {
	_, err := conn.(driver.ExecerContext).ExecContext(ctx, text, nil)
	return err
}

// firstRow returns the texts of the first row that a statement reads.
func firstRow(ctx context.Context, conn driver.Conn, text string) ([]string, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	texts := make([]string, len(row))
	for i, value := range row {
		if value == nil {
			continue
		}
		text, err := database.AppendText(nil, value)
		if err != nil {
			return nil, err
		}
		texts[i] = string(text)
	}
	return texts, nil
}
