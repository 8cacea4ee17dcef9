package database

import (
	"context"
	"database/sql/driver"
	"net"
	"time"
	"unicode/utf8"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"dbsep/sqlgen"
)

// sqlserverCommand makes a new session one that counts rows and keeps every
// change, whatever the server's default, and in which a date that begins with its
// year is read the same way in every language.
const sqlserverCommand = "SET NOCOUNT, IMPLICIT_TRANSACTIONS OFF; SET DATEFORMAT ymd"

// sqlserverConnector makes sessions.
type sqlserverConnector struct{ msdsn.Config }

func (c sqlserverConnector) Driver() driver.Driver {
	return mssql.NewConnectorConfig(c.Config).Driver()
}

func (c sqlserverConnector) Connect(ctx context.Context) (driver.Conn, error) {
	d := new(sqlserverDialer)
	connector := mssql.NewConnectorConfig(c.Config)
	connector.Dialer = d
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.loggedIn(); err != nil {
		conn.Close()
		return nil, err
	}
	return &sqlserverSession{conn.(*mssql.Conn)}, nil
}

// A sqlserverDialer dials for one login. The driver looks up names and reads the
// server's answers to a login without regard to its context; here both end with
// it.
type sqlserverDialer struct {
	conn net.Conn
	stop func() bool
}

// HostName tells the driver to leave the host's name to DialContext.
func (d *sqlserverDialer) HostName() string { return "" }

func (d *sqlserverDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.conn = conn
	d.stop = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return conn, nil
}

// loggedIn lets the connection live longer than the login's context.
func (d *sqlserverDialer) loggedIn() error {
	d.stop()
	return d.conn.SetDeadline(time.Time{})
}

// A sqlserverSession is a connection whose statements leave nothing on it.
type sqlserverSession struct{ *mssql.Conn }

// ResetSession leaves the session as it is: the driver would take it back to
// the server's defaults.
func (s *sqlserverSession) ResetSession(context.Context) error {
	if !s.IsValid() {
		return driver.ErrBadConn
	}
	return nil
}

func (s *sqlserverSession) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	stmt, err := s.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	return stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *sqlserverSession) CheckNamedValue(v *driver.NamedValue) error {
	value, err := sqlserverArgument(v.Value)
	if err != nil {
		return err
	}
	v.Value = value
	return s.Conn.CheckNamedValue(v)
}

// sqlserverArgument chooses the type that an argument has on the server. The
// driver would send every text as nvarchar, and a varchar column that is compared
// with that is converted row by row, past its index. A text of ASCII is the same
// in every code page and goes as varchar, which suits either kind of column.
// Others go as nvarchar: in a varchar they could become other characters.
func sqlserverArgument(value any) (any, error) {
	text, ok := value.(string)
	switch {
	case !ok:
		return value, nil
	case !utf8.ValidString(text):
		return nil, &sqlgen.Fault{Cause: sqlgen.BadValue, Remedy: "send text as UTF-8"}
	case isASCII(text):
		return mssql.VarChar(text), nil
	}
	return text, nil
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
