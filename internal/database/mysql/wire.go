package mysql

import (
	"bytes"
	"encoding/binary"
	"net"
	"syscall"
)

// A wire is the socket of a connection. It reads along until it knows the id that
// the connection has at its other end.
type wire struct {
	net.Conn
	greeting []byte // that was read so far; nil once it is known
	read     bool   // the greeting is complete
	id       uint32
	limited  bool  // no more is read than left
	left     int64 // see limitedRows
}

func (w *wire) Read(p []byte) (int, error) {
	if w.limited && w.left <= 0 {
		return 0, errTooLong
	}
	n, err := w.Conn.Read(p)
	w.left -= int64(n)
	if !w.read {
		w.greet(p[:n])
	}
	return n, err
}

// greet takes the next part of the server's first packet (protocol version 10): its
// header, a byte, the version of the server as a text with a zero at its end, and the
// id.
func (w *wire) greet(part []byte) {
	const header, version, most = 4, 1, 512
	w.greeting = append(w.greeting, part...)
	if len(w.greeting) > header+version {
		text := w.greeting[header+version:]
		if end := bytes.IndexByte(text, 0); end >= 0 && len(text) >= end+1+4 {
			w.id, w.read = binary.LittleEndian.Uint32(text[end+1:]), true
		}
	}
	if w.read = w.read || len(w.greeting) > most; w.read {
		w.greeting = nil
	}
}

// greetedBy reports whether the other end is the server itself, which gave the
// connection an id, of which the greeting has the lower half.
func (w *wire) greetedBy(id uint64) bool { return w.id != 0 && w.id == uint32(id) }

// SyscallConn lets the driver look whether the server has ended the connection.
func (w *wire) SyscallConn() (syscall.RawConn, error) {
	return w.Conn.(syscall.Conn).SyscallConn()
}
