package mysql

import "testing"

func TestGreeting(t *testing.T) {
	const text = "\x4a\x00\x00\x00\x0a8.0.36\x00\x11\x22\x33\x44rest"
	for first := range len(text) {
		w := new(wire)
		for _, part := range []string{text[:first], text[first:]} {
			if !w.read {
				w.greet([]byte(part))
			}
		}
		if !w.greetedBy(0x5544332211) || w.greetedBy(0x11) || w.greeting != nil {
			t.Errorf("in two parts at %d: %#x", first, w.id)
		}
	}
	for _, text := range []string{"", "\x17\x00\x00\x00\xff\x10\x04Too many connections", string(make([]byte, 1000))} {
		w := new(wire)
		if w.greet([]byte(text)); w.greetedBy(0) || w.greetedBy(0x6f6f5420) {
			t.Errorf("%q is taken for a greeting of %d", text, w.id)
		}
	}
}
