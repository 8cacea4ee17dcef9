//go:build e2e

package native

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

const modules = `[modules]
autoload = no
preload = res_odbc_transaction.so
preload = res_odbc.so
preload = res_config_odbc.so
load = res_config_pgsql.so
load = res_config_sqlite3.so
load = res_curl.so
load = func_curl.so
load = res_config_curl.so
load = func_realtime.so
load = res_realtime.so
load = realtime_multi.so
`

func TestNativeDrivers(t *testing.T) {
	root := testenv.AsteriskRoot(t)
	compileModule(t, root, "realtime_multi")
	a := testenv.NewAsterisk(t, root)
	var extconfig strings.Builder
	extconfig.WriteString("[settings]\n")
	pairs := []*pair{mariaDB(t, a, &extconfig), postgreSQL(t, a, &extconfig), sqlite(t, a, &extconfig)}
	a.Write(t, "extconfig.conf", extconfig.String())
	a.Write(t, "modules.conf", modules)
	address := testenv.FreeAddress(t)
	host, port, _ := strings.Cut(address, ":")
	a.Write(t, "manager.conf", fmt.Sprintf("[general]\nenabled = yes\nbindaddr = %s\nport = %s\n[tests]\nsecret = tests\nread = config\nwrite = command,config\n", host, port))
	a.Start(t)
	m := login(t, address)
	seed, requests, fixed := settings(t)
	seen := map[string]int{}
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) { p.compareAll(t, m, generator{rand.New(rand.NewPCG(seed, 0))}, requests, seen) })
	}
	t.Logf("seed %d: %v", seed, seen)

	ids := documented(t)
	for _, d := range known {
		if !slices.Contains(ids, d.id) {
			t.Errorf("docs/differences.md has no row %s", d.id)
		}
	}
	for _, id := range ids {
		if fixed && seen[id] == 0 {
			t.Errorf("docs/differences.md has the row %s, which no request has met", id)
		}
	}
}

// compareAll makes requests of both sides and counts what becomes of them.
func (p *pair) compareAll(t *testing.T, m *manager, g generator, requests int, seen map[string]int) {
	for i := range requests {
		r := g.request()
		if i < len(examples) {
			r = examples[i]
		}
		c := p.compare(t, m, r)
		why := "equal, " + c.dbsep.kind()
		if !c.equal() {
			why = c.explanation()
		}
		seen[why]++
		if why == "" {
			t.Errorf("%s", c)
		}
		// PostgreSQL leaves a gap where a write has failed.
		if !c.sameRows() || !c.reads() && (c.native.failed || c.dbsep.failed) {
			p.align(t)
		}
	}
	seen[staticOrder] += p.compareFiles(t, m, g)
}

// compileModule makes a module for the Asterisk of a root of a file of testdata, with the
// headers of the root.
func compileModule(t *testing.T, root, name string) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(root, "usr/lib/*/asterisk/modules"))
	check(t, err)
	if len(folders) != 1 {
		t.Fatalf("the folders for modules are %q", folders)
	}
	out, err := exec.CommandContext(t.Context(), "cc", "--sysroot="+root, "-shared", "-fPIC", "-nostdlib",
		fmt.Sprintf("-DAST_MODULE=%q", name), "-DAST_MODULE_SELF_SYM=self_of_"+name, "-o", filepath.Join(folders[0], name+".so"), filepath.Join("testdata", name+".c")).CombinedOutput()
	if err != nil {
		t.Fatalf("compile %s.c: %v\n%s", name, err, out)
	}
}

// settings are the seed of the requests and their number for each database. Those of each
// landing are the same, fixed. DBSEP_E2E_SEED is a seed to be used again.
func settings(t *testing.T) (seed uint64, requests int, fixed bool) {
	t.Helper()
	seed, requests, fixed = 1, 1500, true
	if os.Getenv("DBSEP_E2E") == "full" {
		seed, requests, fixed = rand.Uint64(), 20000, false
	}
	if given := os.Getenv("DBSEP_E2E_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		check(t, err)
		fixed = false
	}
	return seed, requests, fixed
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	check(t, err)
	return string(text)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
