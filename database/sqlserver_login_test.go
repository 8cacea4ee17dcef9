package database

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"dbsep/sqlgen"
)

// Kinds of packets of TDS (MS-TDS 2.2.3.1.1).
const (
	tdsBatch    = 1
	tdsRPC      = 3
	tdsReply    = 4
	tdsLogin    = 16
	tdsPrelogin = 18
)

// A tdsServer is the other end of the wire as far as a login and statements
// without rows need one. It speaks plain TDS: it says that it has no encryption.
// What it is sent it keeps; what it answers a statement, the test says.
type tdsServer struct {
	net.Listener
	mu   sync.Mutex
	seen []tdsPacket
}

type tdsPacket struct {
	kind byte
	body []byte
}

// newTDSServer listens. answer is given the text of what a packet holds and
// returns the tokens to answer it with; nil hangs up.
func newTDSServer(t *testing.T, answer func(p tdsPacket) []byte) *tdsServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &tdsServer{Listener: l}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(conn, answer) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return s
}

func (s *tdsServer) serve(conn net.Conn, answer func(p tdsPacket) []byte) {
	defer conn.Close()
	for {
		p, err := readTDS(conn)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.seen = append(s.seen, p)
		s.mu.Unlock()
		reply := answer(p)
		if reply == nil {
			return
		}
		header := []byte{tdsReply, 1, 0, 0, 0, 0, 1, 0}
		binary.BigEndian.PutUint16(header[2:], uint16(8+len(reply)))
		if _, err := conn.Write(append(header, reply...)); err != nil {
			return
		}
	}
}

// readTDS reads a message: packets up to the one that is marked as its last.
func readTDS(r io.Reader) (p tdsPacket, err error) {
	for last := false; !last; {
		var header [8]byte
		if _, err = io.ReadFull(r, header[:]); err != nil {
			return p, err
		}
		body := make([]byte, binary.BigEndian.Uint16(header[2:])-8)
		if _, err = io.ReadFull(r, body); err != nil {
			return p, err
		}
		p.kind, p.body, last = header[0], append(p.body, body...), header[1]&1 == 1
	}
	return p, nil
}

// count counts the packets of a kind.
func (s *tdsServer) count(kind byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.seen {
		if p.kind == kind {
			n++
		}
	}
	return n
}

// has tells whether a packet of a kind holds a text.
func (s *tdsServer) has(kind byte, text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.seen {
		if p.kind == kind && bytes.Contains(p.body, ucs2(text)) {
			return true
		}
	}
	return false
}

func ucs2(text string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

// tdsPreloginReply has two options: a version, and that there is no encryption.
var tdsPreloginReply = []byte{0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 2}

// tdsDone ends an answer with a count of rows.
func tdsDone(status uint16, rows uint64) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{0xfd}, status)
	return binary.LittleEndian.AppendUint64(append(b, 0, 0), rows)
}

func tdsLoginAck() []byte {
	name := ucs2("stand-in")
	ack := append([]byte{1, 0x74, 0, 0, 4, byte(len(name) / 2)}, name...)
	ack = append(ack, 16, 0, 0, 0)
	return append(append(binary.LittleEndian.AppendUint16([]byte{0xad}, uint16(len(ack))), ack...), tdsDone(0, 0)...)
}

func tdsError(number uint32) []byte {
	text := ucs2("no")
	b := binary.LittleEndian.AppendUint32(nil, number)
	b = append(b, 1, 16, byte(len(text)/2), 0)
	b = append(append(b, text...), 0, 0, 1, 0, 0, 0)
	return append(append(binary.LittleEndian.AppendUint16([]byte{0xaa}, uint16(len(b))), b...), tdsDone(2, 0)...)
}

// open opens a source that leads to the server.
func (s *tdsServer) open(t *testing.T, more string, timeout time.Duration) *DB {
	t.Helper()
	port := s.Addr().(*net.TCPAddr).Port
	db, err := Open(Source{DSN: "DBI:Sybase:host=127.0.0.1;port=" + strconv.Itoa(port) + more, User: "voice", Password: "pw",
		ConnectTimeout: timeout, Environ: environment("HOME", "/nosuch")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func wantCause(t *testing.T, what string, err error, want sqlgen.Cause) {
	t.Helper()
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) || fault.Cause != want {
		t.Errorf("%s: %v, %v; want %v", what, err, errors.Unwrap(err), &sqlgen.Fault{Cause: want})
	}
}

// What the driver sends for the kind: the login, the session's settings, and
// each argument with the type that suits the column.
func TestSQLServerLogin(t *testing.T) {
	s := newTDSServer(t, func(p tdsPacket) []byte {
		switch p.kind {
		case tdsPrelogin:
			return tdsPreloginReply
		case tdsLogin:
			return tdsLoginAck()
		case tdsBatch:
			return tdsDone(0, 0)
		}
		return tdsDone(0x10, 3)
	})
	db := s.open(t, ";database=pbx;hostname=here", time.Minute)
	for range 2 {
		n, err := db.Exec(t.Context(), sqlgen.Statement{
			SQL:  "UPDATE [t] SET [a] = @p1, [b] = @p2, [c] = @p3, [d] = @p4 WHERE [e] = @p5",
			Args: []any{"ascii", "é", []byte("\xff\x00"), nil, ""},
		})
		if n != 3 || err != nil {
			t.Fatalf("%d, %v, %v", n, err, errors.Unwrap(err))
		}
	}
	for _, text := range []string{"voice", "pbx", "here", "dbsep"} {
		if !s.has(tdsLogin, text) {
			t.Errorf("the login does not say %q", text)
		}
	}
	if s.has(tdsLogin, "pw") {
		t.Error("the login shows the password")
	}
	if !s.has(tdsBatch, sqlserverCommand) {
		t.Error("the session is not set")
	}
	if !s.has(tdsRPC, "@p1 varchar(5),@p2 nvarchar(1),@p3 varbinary(2),@p4 nvarchar(1),@p5 varchar(max)") {
		t.Error("the arguments have other types")
	}
	if n := s.count(tdsBatch); n != 1 {
		t.Errorf("%d batches for one connection, want 1", n)
	}
	_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "UPDATE [t] SET [a] = @p1", Args: []any{"\xff"}})
	wantCause(t, "no UTF-8", err, sqlgen.BadValue)
}

func TestSQLServerErrorsOnTheWire(t *testing.T) {
	for number, want := range map[uint32]sqlgen.Cause{
		2627: sqlgen.Duplicate, 208: sqlgen.UnknownTable, 207: sqlgen.UnknownColumn, 245: sqlgen.BadValue, 229: sqlgen.Denied, 1205: sqlgen.Busy, 99999: sqlgen.Unexpected,
	} {
		s := newTDSServer(t, func(p tdsPacket) []byte {
			switch p.kind {
			case tdsPrelogin:
				return tdsPreloginReply
			case tdsLogin:
				return tdsLoginAck()
			case tdsBatch:
				return tdsDone(0, 0)
			}
			return tdsError(number)
		})
		db := s.open(t, "", time.Minute)
		_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "DELETE FROM [t] WHERE [a] = @p1", Args: []any{"x"}})
		wantCause(t, strconv.Itoa(int(number)), err, want)
		if n, tries := s.count(tdsRPC), map[bool]int{true: 1 + maxHasty, false: 1}[number == 1205]; n != tries {
			t.Errorf("error %d: run %d times, want %d", number, n, tries)
		}
	}
}

func TestSQLServerThatRefusesTheLogin(t *testing.T) {
	for number, want := range map[uint32]sqlgen.Cause{18456: sqlgen.Denied, 4060: sqlgen.Unavailable, 17809: sqlgen.Busy} {
		s := newTDSServer(t, func(p tdsPacket) []byte {
			if p.kind == tdsPrelogin {
				return tdsPreloginReply
			}
			return tdsError(number)
		})
		wantCause(t, strconv.Itoa(int(number)), s.open(t, "", time.Minute).Ping(t.Context()), want)
	}
}

func TestSQLServerThatHangsUp(t *testing.T) {
	for _, kind := range []byte{tdsPrelogin, tdsLogin, tdsBatch} {
		s := newTDSServer(t, func(p tdsPacket) []byte {
			switch p.kind {
			case kind:
				return nil
			case tdsPrelogin:
				return tdsPreloginReply
			}
			return tdsLoginAck()
		})
		wantCause(t, "hangs up at "+strconv.Itoa(int(kind)), s.open(t, "", time.Minute).Ping(t.Context()), sqlgen.Unavailable)
	}
	s := newTDSServer(t, nil)
	s.Close()
	wantCause(t, "no server", s.open(t, "", time.Minute).Ping(t.Context()), sqlgen.Unavailable)
}

// Encryption that is required is not gone without.
func TestSQLServerWithoutTheEncryptionThatIsRequired(t *testing.T) {
	s := newTDSServer(t, func(tdsPacket) []byte { return tdsPreloginReply })
	wantCause(t, "require", s.open(t, ";encryption=require", time.Minute).Ping(t.Context()), sqlgen.Unavailable)
	if s.has(tdsLogin, "voice") {
		t.Error("the login is sent all the same")
	}
}

// The driver would wait for such a server without end.
func TestSQLServerThatKeepsSilent(t *testing.T) {
	asked := make(chan struct{}, 10)
	quiet := make(chan struct{})
	s := newTDSServer(t, func(tdsPacket) []byte {
		asked <- struct{}{}
		<-quiet
		return nil
	})
	t.Cleanup(func() { close(quiet) }) // before the server's
	wantCause(t, "the login's bound", s.open(t, "", 50*time.Millisecond).Ping(t.Context()), sqlgen.Unavailable)
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	wantCause(t, "a client that goes away", s.open(t, "", time.Hour).Ping(ctx), sqlgen.Canceled)
}
