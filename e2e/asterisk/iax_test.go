//go:build e2e

package asterisk

import (
	"errors"
	"strings"
	"testing"
)

// iaxShow shows a phone as Asterisk reads it from the table.
const iaxShow = "iax2 show peer iaxbob load"

var iaxFeatures = []feature{
	{"IAX2: a peer with a fixed address, its columns in the order of the table", func(t *testing.T, p *pbx) {
		p.shows(t, "iax2 show peer iaxstatic load", "Addr->IP     : 127.0.0.1 Port 18119")
	}},
	{"IAX2: a phone with its codecs", func(t *testing.T, p *pbx) {
		p.shows(t, iaxShow, "Context      : phones", "Dynamic      : Yes", "Codecs       : (ulaw)")
	}},
	{"IAX2: a wrong secret is refused", func(t *testing.T, p *pbx) {
		if err := newIAXPhone(t, p, "iaxbob", "wrong").register(t, iaxRegReq, 60); err == nil {
			t.Error("registered")
		}
		p.shows(t, iaxShow, "Addr->IP     : (null)")
	}},
	{"IAX2: a registration stores the address (Asterisk's own fault: its clearing of the old one may come later)", func(t *testing.T, p *pbx) {
		f := newIAXPhone(t, p, "iaxbob", "iax-pw")
		f.registers(t, p)
		p.shows(t, "realtime load iaxpeers name iaxbob", column("ipaddr", "127.0.0.1"), column("port", f.port()), "regseconds")
	}},
	{"IAX2: a registration from elsewhere takes its place, and a call goes there", func(t *testing.T, p *pbx) {
		f := newIAXPhone(t, p, "iaxbob", "iax-pw")
		f.registers(t, p)
		p.cli(t, "channel originate IAX2/iaxbob/4711 extension idle@functions")
		if called := string(f.await(t, iaxNew).elements[iaxCalled]); called != "4711" {
			t.Errorf("the call is for %q", called)
		}
		p.hangUpAll(t)
	}},
	{"IAX2: a release clears the address", func(t *testing.T, p *pbx) {
		f := newIAXPhone(t, p, "iaxbob", "iax-pw")
		f.registers(t, p)
		check(t, f.register(t, iaxRegRel, 0))
		p.shows(t, iaxShow, "Addr->IP     : (null)")
		p.hides(t, "realtime load iaxpeers name iaxbob", column("ipaddr", "127.0.0.1"), column("port", f.port()))
	}},
}

// registers registers a phone as often as it takes. While a registration is
// under way Asterisk clears the address of the one that has ended, in another
// thread, and the clearing may be last; a refresh clears nothing any more. So it
// must be there twice in a row.
func (i *iaxPhone) registers(t *testing.T, p *pbx) {
	t.Helper()
	times := 0
	eventually(t, func() error {
		check(t, i.register(t, iaxRegReq, 60))
		if !strings.Contains(p.cli(t, iaxShow), "Addr->IP     : 127.0.0.1 Port "+i.port()) {
			times = 0
		} else if times++; times == 2 {
			return nil
		}
		return errors.New("the address is not stored")
	})
}
