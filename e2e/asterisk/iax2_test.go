//go:build e2e

package asterisk

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"
)

// The frames, elements and the kind of frame of IAX2 (RFC 5456) that the tests
// speak.
const (
	iaxNew     = 1
	iaxAck     = 4
	iaxHangup  = 5
	iaxRegReq  = 13
	iaxRegAuth = 14
	iaxRegAck  = 15
	iaxRegRej  = 16
	iaxRegRel  = 17

	iaxCalled    = 1
	iaxUsername  = 6
	iaxChallenge = 15
	iaxMD5       = 16
	iaxRefresh   = 19

	iaxControl = 6
)

// A frame is a full frame of IAX2.
type frame struct {
	source, destination uint16 // call numbers
	out, in             uint8  // sequence numbers
	subclass            uint8
	elements            map[uint8][]byte
}

func parseFrame(packet []byte) (*frame, error) {
	if len(packet) < 12 || packet[0]&0x80 == 0 || packet[10] != iaxControl {
		return nil, errors.New("no control frame")
	}
	f := &frame{
		source: binary.BigEndian.Uint16(packet) & 0x7fff, destination: binary.BigEndian.Uint16(packet[2:]) & 0x7fff,
		out: packet[8], in: packet[9], subclass: packet[11], elements: map[uint8][]byte{},
	}
	for rest := packet[12:]; len(rest) >= 2 && len(rest) >= 2+int(rest[1]); rest = rest[2+rest[1]:] {
		f.elements[rest[0]] = append([]byte(nil), rest[2:2+rest[1]]...)
	}
	return f, nil
}

// An iaxPhone is an IAX2 phone that registers.
type iaxPhone struct {
	user, secret string
	conn         net.PacketConn
	server       net.Addr
	calls        uint16 // call numbers used so far
}

func newIAXPhone(t *testing.T, p *pbx, user, secret string) *iaxPhone {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	server, err := net.ResolveUDPAddr("udp", p.iax)
	check(t, err)
	return &iaxPhone{user: user, secret: secret, conn: conn, server: server}
}

func (i *iaxPhone) port() string {
	_, port, _ := net.SplitHostPort(i.conn.LocalAddr().String())
	return port
}

// send sends a frame with its elements in a fixed order.
func (i *iaxPhone) send(t *testing.T, f frame, timestamp uint32) {
	t.Helper()
	packet := binary.BigEndian.AppendUint16(nil, f.source|0x8000)
	packet = binary.BigEndian.AppendUint16(packet, f.destination)
	packet = binary.BigEndian.AppendUint32(packet, timestamp)
	packet = append(packet, f.out, f.in, iaxControl, f.subclass)
	for _, kind := range []uint8{iaxUsername, iaxMD5, iaxRefresh} {
		if value, ok := f.elements[kind]; ok {
			packet = append(append(packet, kind, uint8(len(value))), value...)
		}
	}
	_, err := i.conn.WriteTo(packet, i.server)
	check(t, err)
}

// await waits for one of some frames.
func (i *iaxPhone) await(t *testing.T, subclasses ...uint8) *frame {
	t.Helper()
	check(t, i.conn.SetReadDeadline(time.Now().Add(patience)))
	packet := make([]byte, 4096)
	for {
		n, _, err := i.conn.ReadFrom(packet)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("no IAX2 frame %v", subclasses)
		}
		check(t, err)
		f, err := parseFrame(packet[:n])
		if err != nil {
			continue
		}
		for _, s := range subclasses {
			if f.subclass == s {
				return f
			}
		}
	}
}

// register registers (iaxRegReq) or releases (iaxRegRel) the phone.
func (i *iaxPhone) register(t *testing.T, request uint8, seconds uint16) error {
	t.Helper()
	i.calls++
	elements := map[uint8][]byte{iaxUsername: []byte(i.user)}
	if request == iaxRegReq {
		elements[iaxRefresh] = binary.BigEndian.AppendUint16(nil, seconds)
	}
	i.send(t, frame{source: i.calls, subclass: request, elements: elements}, 3)
	challenge := i.await(t, iaxRegAuth, iaxRegRej)
	if challenge.subclass == iaxRegRej {
		return errors.New("refused at once")
	}
	elements[iaxMD5] = fmt.Appendf(nil, "%x", md5.Sum([]byte(string(challenge.elements[iaxChallenge])+i.secret)))
	i.send(t, frame{i.calls, challenge.source, 1, challenge.out + 1, request, elements}, 20)
	verdict := i.await(t, iaxRegAck, iaxRegRej)
	i.send(t, frame{i.calls, verdict.source, 2, verdict.out + 1, iaxAck, nil}, 20)
	if verdict.subclass == iaxRegRej {
		return errors.New("refused")
	}
	return nil
}
