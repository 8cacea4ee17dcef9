//go:build e2e

package attack

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dbsep/internal/testenv"
)

// What a server may need beyond what it needs at rest, with its default settings: a
// budget, and the rows that drivers have. The double is for garbage, which Go
// collects when there is as much of it as there is memory in use.
const (
	budget    = 64 << 20           // body_memory, and response_memory
	rows      = 16 * 3 * (4 << 20) // max_connections, three times max_row_bytes
	mostAdded = 2 * (budget + rows)
)

// peak is the most memory that a server has had at a time, in bytes.
func (x *target) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", x.Process.Cmd.Process.Pid))
	check(t, err)
	kib := regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`).FindSubmatch(status)
	if kib == nil {
		t.Fatal("the kernel reports no peak")
	}
	n, err := strconv.Atoi(string(kib[1]))
	check(t, err)
	return n << 10
}

// wantPeak wants a server to have added no more memory than its budgets allow, and
// nothing of them to be in use any more.
func (x *target) wantPeak(t *testing.T, rest int) {
	t.Helper()
	peak := x.peak(t)
	t.Logf("at rest %d MiB, at most %d MiB", rest>>20, peak>>20)
	if peak > rest+mostAdded {
		t.Errorf("the server had %d MiB, at rest %d MiB", peak>>20, rest>>20)
	}
	x.await(t, "the memory to be given back", func(now testenv.Series) bool { return now.Sum("dbsep_memory_budget_used_bytes") == 0 })
}

// withLargeRows starts a server whose table large has these rows: the numbers are the
// bytes of their texts.
func withLargeRows(t *testing.T, kind string, site *testenv.Site, rows [][4]int, lines ...string) *target {
	t.Helper()
	typ := map[string]string{"MariaDB": "LONGTEXT"}[kind]
	if typ == "" {
		typ = "TEXT"
	}
	run := func(text string) {
		t.Helper()
		_, err := site.DB.ExecContext(t.Context(), text)
		check(t, err)
	}
	run(fmt.Sprintf("CREATE TABLE large (id INTEGER NOT NULL PRIMARY KEY, a %[1]s, b %[1]s, c %[1]s, d %[1]s)", typ))
	for id, row := range rows {
		values := strconv.Itoa(id)
		for _, n := range row {
			if kind == "SQLite" {
				values += fmt.Sprintf(", replace(hex(zeroblob(%d)), '0', '#')", n/2)
			} else {
				values += fmt.Sprintf(", repeat('#', %d)", n)
			}
		}
		run("INSERT INTO large VALUES (" + values + ")")
	}
	return serve(t, site, lines...)
}

func TestMemoryOfUnfinishedBodies(t *testing.T) {
	const clients, size = 200, 4 << 20
	testenv.Feature(t, "attack", fmt.Sprintf("%d bodies of %d MiB that are never ended: memory stays within body_memory, and others are served", clients, size>>20), func(t *testing.T) {
		x := serve(t, testenv.SQLite(t, tables), "[limits]", "read_timeout=10s")
		before := x.atRest(t)
		rest := x.peak(t)
		withPhones(t, x, "", func() {
			part := strings.Repeat("x", 64<<10)
			for range clients {
				c := x.dial(t, "")
				go func() {
					_, err := fmt.Fprintf(c, "POST /peers/update?name=bob HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
					for sent := len(part); err == nil && sent < size; sent += len(part) {
						_, err = io.WriteString(c, part)
					}
				}()
			}
			x.await(t, "the bodies to be refused", func(now testenv.Series) bool {
				return now.Sum(`dbsep_http_requests_total{code="busy"`)+now.Sum(`dbsep_http_requests_total{code="body-unreadable"`) >= clients
			})
		})
		refused := testenv.Metrics(t, x.status)[`dbsep_memory_budget_refusals_total{budget="bodies"}`]
		if refused < clients/2 {
			t.Errorf("%v bodies were too many", refused)
		}
		x.wantPeak(t, rest)
		x.backTo(t, before)
	})
}

func TestMemoryOfBodies(t *testing.T) {
	const clients, size = 50, 4 << 20
	for _, k := range kinds {
		testenv.Feature(t, "attack/"+k.name, fmt.Sprintf("%d bodies of %d MiB at a time: stored, or refused", clients, size>>20), func(t *testing.T) {
			x := withLargeRows(t, k.name, k.site(t, tables), [][4]int{{}}, "[limits]", "statement_timeout=1m")
			rest := x.peak(t)
			for _, text := range []string{"x", ";", "%41", "%3B"} {
				value := strings.Repeat(text, (size-len("a="))/len(text))
				answers := make(chan string, clients)
				for range clients {
					go func() { answers <- x.ask("/large/update?id=0", "a="+value) }()
				}
				stored, refused := 0, 0
				for range clients {
					switch answer := <-answers; answer {
					case " 1\n":
						stored++
					case "busy -1\n":
						refused++
					default:
						t.Errorf("%s: answered %q", text, answer)
					}
				}
				t.Logf("%s: %d were stored, %d refused", text, stored, refused)
				if stored == 0 {
					t.Errorf("%s: no body was stored", text)
				}
			}
			x.wantPeak(t, rest)
		})
	}
}

// ask sends a request and returns the code and the body of the response.
func (x *target) ask(target, body string) string {
	c, err := net.Dial("tcp", x.address)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", target, len(body), body); err != nil {
		return err.Error()
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	head, rest, _ := strings.Cut(string(answer), "\r\n\r\n")
	return errorCode.ReplaceAllString(errorCode.FindString(head), "$1") + " " + rest
}

var errorCode = regexp.MustCompile(`X-Dbsep-Error: (\S+)`)

// patient are limits within which a slow machine's database returns large rows to many.
const patient = "statement_timeout=2m\npool_timeout=2m"

func TestMemoryOfDeafClients(t *testing.T) {
	const clients = 50
	for _, k := range kinds {
		testenv.Feature(t, "attack/"+k.name, fmt.Sprintf("%d clients that do not read rows of megabytes: memory stays within response_memory, and others are served", clients), func(t *testing.T) {
			large := make([][4]int, 8)
			for i := range large {
				large[i] = [4]int{1 << 20, 1 << 20, 1 << 20, 1<<20 - 100}
			}
			x := withLargeRows(t, k.name, k.site(t, tables), large, "[limits]", "write_timeout=5s", patient)
			before := x.atRest(t)
			rest := x.peak(t)
			var all []net.Conn
			withPhones(t, x, "", func() {
				for range clients {
					c := x.dial(t, "")
					all = append(all, c)
					check(t, c.(*net.TCPConn).SetReadBuffer(4096))
					_, err := io.WriteString(c, "POST /large/multi HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nid+%3E%3D=0")
					check(t, err)
				}
				x.await(t, "the clients to be cut off", func(now testenv.Series) bool {
					return now.Sum(`dbsep_http_requests_total{code="slow-client"`)+now.Sum(`dbsep_http_requests_total{code="client-gone"`)+now.Sum(`dbsep_http_requests_total{code="busy"`) >= clients
				})
			})
			for _, c := range all {
				c.Close()
			}
			x.wantPeak(t, rest)
			x.backTo(t, before)
		})
	}
}

func TestMemoryOfRowsThatAreTooLarge(t *testing.T) {
	const clients, columnBytes = 16, 13 << 20
	for _, k := range kinds {
		testenv.Feature(t, "attack/"+k.name, fmt.Sprintf("a row of %d MiB for %d clients: refused before it is in memory", 4*columnBytes>>20, clients), func(t *testing.T) {
			x := withLargeRows(t, k.name, k.site(t, tables), [][4]int{{columnBytes, columnBytes, columnBytes, columnBytes}}, "[limits]", patient)
			x.atRest(t)
			rest := x.peak(t)
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					for range 3 {
						if answer := x.ask("/large/single", "id=0"); answer != "row-too-large " {
							t.Errorf("answered %.100q", answer)
						}
					}
				})
			}
			all.Wait()
			x.wantPeak(t, rest)
		})
	}
}

// TestMemoryOfTheSystem reads long responses in part, fast, so that the system makes much
// room for them.
func TestMemoryOfTheSystem(t *testing.T) {
	const clients, each = 5, 1 << 20
	testenv.Feature(t, "attack", "clients that stop reading: the system keeps less than a MiB for each", func(t *testing.T) {
		x := serve(t, testenv.SQLite(t, tables), "[limits]", "slow_reader_timeout=1m")
		for range clients {
			c := x.dial(t, "")
			check(t, c.(*net.TCPConn).SetReadBuffer(8<<20))
			_, err := io.WriteString(c, strings.Repeat("POST /bulk/multi HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nid+%3E%3D=0", 5))
			check(t, err)
			_, err = io.CopyN(io.Discard, c, 30<<20)
			check(t, err)
		}
		var queued []int64
		x.await(t, "the responses to wait for their clients", func(now testenv.Series) bool {
			queued = x.queued(t)
			return len(queued) == clients && now[`dbsep_memory_budget_used_bytes{budget="responses"}`] >= clients*2*(64<<10)
		})
		if slices.Max(queued) > each {
			t.Errorf("the system keeps %d bytes", queued)
		}
	})
}

// queued returns how much the system keeps for each client of a server.
func (x *target) queued(t *testing.T) (bytes []int64) {
	t.Helper()
	address, err := netip.ParseAddrPort(x.address)
	check(t, err)
	table, err := os.ReadFile("/proc/net/tcp")
	check(t, err)
	const established = "01"
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line) // number, local and remote address, state, tx_queue:rx_queue
		if !strings.HasSuffix(f[1], fmt.Sprintf(":%04X", address.Port())) || f[3] != established {
			continue
		}
		n, err := strconv.ParseInt(strings.Split(f[4], ":")[0], 16, 64)
		check(t, err)
		if n > 0 {
			bytes = append(bytes, n)
		}
	}
	return bytes
}
