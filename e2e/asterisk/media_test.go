//go:build e2e

package asterisk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"
)

var (
	mediaHost = regexp.MustCompile(`(?m)^c=IN IP4 (\S+)`)
	mediaPort = regexp.MustCompile(`(?m)^m=audio (\d+) `)
)

// speak sends silence to the address in a session description, until the test ends.
// Asterisk times the keys that a caller presses by the sound that comes with them.
func (f *phone) speak(t *testing.T, description string) {
	t.Helper()
	host, port := mediaHost.FindStringSubmatch(description), mediaPort.FindStringSubmatch(description)
	if host == nil || port == nil {
		t.Fatalf("no place for sound in %q", description)
	}
	to, err := net.ResolveUDPAddr("udp", net.JoinHostPort(host[1], port[1]))
	check(t, err)
	go f.hum(t.Context().Done(), to)
}

// hum sends one packet (RFC 3550, PCMU) every 20 ms.
func (f *phone) hum(done <-chan struct{}, to net.Addr) {
	const samples = 160
	silence := bytes.Repeat([]byte{0xff}, samples)
	clock := time.NewTicker(20 * time.Millisecond)
	defer clock.Stop()
	for n := uint32(1); ; n++ {
		packet := binary.BigEndian.AppendUint16([]byte{0x80, 0}, uint16(n))
		packet = binary.BigEndian.AppendUint32(packet, n*samples)
		packet = fmt.Append(packet, "rtp1")
		if _, err := f.media.WriteTo(append(packet, silence...), to); err != nil {
			return
		}
		select {
		case <-done:
			return
		case <-clock.C:
		}
	}
}
