//go:build e2e

package webserver

import (
	"fmt"
	"net/http"
	"testing"

	"dbsep/internal/testenv"
)

// TestApacheRLimitMEM shows how many addresses Apache has to allow to a CGI program.
func TestApacheRLimitMEM(t *testing.T) {
	for bytes, starts := range map[int]bool{4 << 30: true, 512 << 20: false} {
		t.Run(fmt.Sprint(bytes), func(t *testing.T) {
			t.Parallel()
			d := newDoor(fmt.Sprint("apache cgid/SQLite/RLimitMEM ", bytes), testenv.FreeAddress(t), sites["SQLite"](t))
			page := testenv.ReadPage(t, "../../docs/apache.md")
			apache := testenv.Apache(t, d.address, enabled(t, page, "enable-cgi"), fmt.Sprintf("RLimitMEM %d\n", bytes)+
				page.Block(t, "dbsep-cgi.conf", "/usr/lib/cgi-bin", install(t, d.site), "/etc/asterisk/dbsep.conf", d.site.Conf)+page.Block(t, "dbsep-errors.conf"))
			if !starts {
				apache.Log.Expect("fatal error: failed to reserve") // memory, at Go's start
			}
			testenv.Feature(t, d.system, "a read and a write", func(t *testing.T) {
				read, write := d.post(t, "/rt_test/single", "id=1"), d.post(t, "/rt_test/update?id=1", "d=x")
				if starts && (read.status != http.StatusOK || read.body == "" || write.body != "1\n") ||
					!starts && (read.status != http.StatusInternalServerError || read.body != "" || write.body != "-1") {
					t.Errorf("%d %q, %d %q", read.status, read.body, write.status, write.body)
				}
			})
		})
	}
}
