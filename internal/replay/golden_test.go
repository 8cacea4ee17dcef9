package replay

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
)

// A replay is all recordings of one database sent in one way.
type replay struct {
	db, way  string
	raw      bool // with semicolons=raw
	outcomes map[string]outcome
}

// An outcome is what came of one recording.
type outcome struct {
	answer
	changes []string
	setup   []string // bodies
}

func (p *replay) name() string {
	name := p.db + "/" + p.way
	if p.raw {
		name += "/raw"
	}
	return name
}

// replays are the ways to send requests. The responses of the server and the CGI
// programs are compared, so the rest looks at the server's.
func replays() []*replay {
	var all []*replay
	for _, db := range slices.Sorted(maps.Keys(fixtures)) {
		all = append(all,
			&replay{db: db, way: "server"},
			&replay{db: db, way: "cgi"},
			&replay{db: db, way: "dbsep-cgi"},
			&replay{db: db, way: "server", raw: true})
	}
	return all
}

func TestGolden(t *testing.T) {
	recordings := readRecordings(t)
	all := replays()
	t.Run("ask", func(t *testing.T) {
		for _, p := range all {
			t.Run(p.name(), func(t *testing.T) {
				t.Parallel()
				p.run(t, recordings)
			})
		}
	})
	if t.Failed() {
		t.FailNow() // responses are missing or break a rule: first things first
	}
	all = slices.DeleteFunc(all, func(p *replay) bool { return p.outcomes == nil }) // a database that cannot be had here
	t.Run("same all ways", func(t *testing.T) { compareWays(t, all) })
	t.Run("keep", func(t *testing.T) { checkKept(t, recordings, all) })
	t.Run("danger", func(t *testing.T) { checkDanger(t, recordings, all) })
	t.Run("decided", func(t *testing.T) { checkDecided(t, recordings, all) })
}

// run sends all recordings of a database, each on fresh rows.
func (p *replay) run(t *testing.T, recordings []recording) {
	f := fixtures[p.db](t, "testdata/golden-"+p.db+".sql")
	var w way
	switch p.way {
	case "cgi":
		w = newCGI(t)
	case "dbsep-cgi":
		w = newPassed(t)
	default:
		w = newServer(t, gateway.Options{TableOptions: func(string) gateway.TableOptions { return gateway.TableOptions{RawSemicolons: p.raw} }})
	}
	p.outcomes = map[string]outcome{}
	for i := range recordings {
		r := &recordings[i]
		if r.DB != p.db {
			continue
		}
		source := f.fresh(t)
		var o outcome
		for j := range r.Setup {
			a := w.ask(t, source, &r.Setup[j])
			checkAnswer(t, &r.Setup[j], a)
			o.setup = append(o.setup, a.body)
		}
		o.answer = w.ask(t, source, &r.request)
		checkAnswer(t, &r.request, o.answer)
		o.changes = f.changes(t)
		p.outcomes[r.ID] = o
	}
	t.Logf("%d recordings", len(p.outcomes))
}

// compareWays checks that each CGI program's response to every recording is byte for
// byte the server's, and that it changes the same rows.
func compareWays(t *testing.T, all []*replay) {
	byServer := map[string]outcome{}
	for _, p := range all {
		if p.way == "server" && !p.raw {
			maps.Copy(byServer, p.outcomes)
		}
	}
	for _, p := range all {
		if p.way == "server" {
			continue
		}
		for id, c := range p.outcomes {
			o := byServer[id]
			if diff := cmp.Diff(append(o.setup, decide(o.answer, o.changes)...), append(c.setup, decide(c.answer, c.changes)...)); diff != "" {
				t.Errorf("%s: %s answers otherwise (-server +%[2]s):\n%s", id, p.way, diff)
			}
			if o.body != c.body || o.kind != c.kind {
				t.Errorf("%s: the server answers %.300q (%s), %s %.300q (%s)", id, o.body, o.kind, p.way, c.body, c.kind)
			}
		}
	}
}

// asked reports whether a database could be used.
func asked(db string, all []*replay) bool {
	return slices.ContainsFunc(all, func(p *replay) bool { return p.db == db })
}
