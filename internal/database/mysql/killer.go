package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// A killer ends statements of a server's sessions with KILL QUERY, over a connection
// of its own. That is there as long as there are sessions, so that a statement can be
// ended also when the server has no place for another connection.
//
// Behind a proxy or a name, another server may be at the end of it, where a session of
// somebody else has the same id. So what the servers say of themselves is compared.
type killer struct {
	connector driver.Connector
	timeout   time.Duration // how long the server may not answer
	late      bool          // the connection is made when there is something to end

	sessions atomic.Int64
	turn     chan struct{} // of one goroutine at a time; the others wait. For what follows
	conn     *killerConn   // nil: none
	failed   time.Time     // when there was none to be had for later
}

// A killerConn is a connection to a server.
type killerConn struct {
	driverConn
	settings
	made    time.Time
	started time.Time // the server did not start before
}

const (
	killerLifetime = 3 * time.Minute // of a connection, as of those in the pool
	killerPause    = time.Second     // after a failure to make one for later, and the limit of a try

	// maxOthers is how many connections may lead to other servers.
	maxOthers = 5

	// The pauses between two looks at a statement that is to end.
	firstKillPause = time.Millisecond
	lastKillPause  = 32 * time.Millisecond
)

func newKiller(connector driver.Connector, timeout time.Duration, late bool) *killer {
	return &killer{connector: connector, timeout: timeout, late: late, turn: make(chan struct{}, 1)}
}

// join adds a session, and sees to it that there is a connection. Where it cannot be had
// there may be one later.
func (k *killer) join(ctx context.Context) {
	k.sessions.Add(1)
	if k.late {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, killerPause)
	defer cancel()
	if !k.enter(ctx) {
		return
	}
	defer k.exit()
	if k.conn != nil && time.Since(k.conn.made) < killerLifetime && k.conn.ResetSession(ctx) == nil || time.Since(k.failed) < killerPause {
		return
	}
	if conn, err := k.connect(ctx, nil); err == nil {
		k.keep(conn)
	} else {
		k.failed = time.Now()
	}
}

// leave removes a session. After the last one the connection is not needed.
func (k *killer) leave() {
	if k.sessions.Add(-1) > 0 {
		return
	}
	k.enter(context.Background())
	defer k.exit()
	if k.sessions.Load() == 0 {
		k.keep(nil)
	}
}

func (k *killer) enter(ctx context.Context) bool {
	select {
	case k.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (k *killer) exit() { <-k.turn }

// keep replaces the connection.
func (k *killer) keep(conn *killerConn) {
	if k.conn != nil {
		k.conn.Close()
	}
	k.conn = conn
}

// connect makes a connection to a session's server; to any where it is nil.
func (k *killer) connect(ctx context.Context, s *session) (*killerConn, error) {
	var to net.Addr
	if s != nil {
		to = s.wire.RemoteAddr()
	}
	conn, _, err := connect(ctx, k.connector, to)
	if err != nil {
		return nil, err
	}
	c := &killerConn{driverConn: conn, made: time.Now()}
	if err := c.identify(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// identify reads which server it is, and when that was started.
func (c *killerConn) identify(ctx context.Context) (err error) {
	if c.settings, err = settleSession(ctx, c, "", false); err != nil {
		return err
	}
	status, err := showRows(ctx, c, "SHOW GLOBAL STATUS LIKE 'Uptime'")
	if seconds, e := strconv.Atoi(status["uptime"]); e == nil {
		c.started = time.Now().Add(-time.Duration(seconds+1) * time.Second)
	}
	return err
}

var (
	errEnded       = errors.New("the statement has ended")
	errOtherServer = errors.New("each new connection led to another server than the one that runs the statement")
)

// end ends the statement of a session and returns when it has ended: then the server does
// not know the session any more, since its socket is closed.
func (k *killer) end(ctx context.Context, s *session) error {
	answered, again := time.Now(), false
	for pause := firstKillPause; ; pause = min(2*pause, lastKillPause) {
		err := k.try(ctx, s, again, answered.Add(k.timeout))
		switch {
		case err == nil:
			answered, again = time.Now(), true
		case errors.Is(err, errEnded):
			return nil
		case errors.Is(err, errOtherServer), time.Since(answered) >= k.timeout:
			return err
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// sleep reports whether it has slept so long.
func sleep(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// try tries to end the statement of a session. It returns nil where the session is still
// there.
func (k *killer) try(ctx context.Context, s *session, again bool, until time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	if !k.enter(ctx) {
		return ctx.Err()
	}
	defer k.exit()
	for others := 0; k.conn == nil || k.conn.server != s.server; others++ {
		if others == maxOthers {
			return errOtherServer
		}
		conn, err := k.connect(ctx, s)
		if err != nil {
			return err
		}
		k.keep(conn)
	}
	err := k.conn.kill(ctx, s, again)
	if isConnectionLost(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || ctx.Err() != nil {
		k.keep(nil)
	}
	return err
}

// kill ends the statement of a session that runs on this server, and where it was there
// again, the session: a proxy may keep that, with nothing to run.
func (c *killerConn) kill(ctx context.Context, s *session, again bool) error {
	if s.born.Before(c.started) {
		return errEnded // with the server that ran it: this one has been started since
	}
	id := strconv.FormatUint(s.id, 10)
	if again {
		return c.killSession(ctx, id)
	}
	return c.killStatement(ctx, id)
}

// killStatement waits a little for the end of the statement, while the others have to
// wait: where many statements of MariaDB wait for the same, KILL takes two seconds while
// another one of them wakes up.
func (c *killerConn) killStatement(ctx context.Context, id string) error {
	for pause := firstKillPause; pause < lastKillPause; pause *= 2 {
		if err := c.executeKill(ctx, "KILL QUERY "+id); err != nil {
			return err
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
	return nil
}

func (c *killerConn) killSession(ctx context.Context, id string) error {
	if err := c.executeKill(ctx, "KILL CONNECTION "+id); err != nil {
		return err
	}
	// A server that is not MySQL may not say that there is no such session.
	row, err := firstRow(ctx, c, "SELECT COUNT(*) FROM information_schema.processlist WHERE id = "+id)
	if err == nil && row[0] == "0" {
		return errEnded
	}
	return nil
}

func (c *killerConn) executeKill(ctx context.Context, text string) error {
	err := execute(ctx, c, text)
	if hasNumber(err, numberNoThread, numberForeignThread) {
		return errEnded
	}
	return err
}

// The errors of a session that is not there, and of one that another account's has the
// id of.
const (
	numberNoThread      = 1094
	numberForeignThread = 1095
)
