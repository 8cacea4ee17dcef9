package replay

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
)

const decidedFile = "testdata/decided.txt"

// A replay is all recordings of one database asked in one way.
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

// replays are the ways to ask. What the server and the CGI program answer is
// compared, so the rest looks at the server's answers.
func replays() []*replay {
	var all []*replay
	for _, db := range []string{"sqlite", "mariadb"} {
		all = append(all,
			&replay{db: db, way: "server"},
			&replay{db: db, way: "cgi"},
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
		t.FailNow() // every answer breaks a rule or is missing: nothing to compare
	}
	t.Run("same both ways", func(t *testing.T) { compareWays(t, all) })
	t.Run("keep", func(t *testing.T) { checkKept(t, recordings, all) })
	t.Run("decided", func(t *testing.T) { checkDecided(t, recordings, all) })
}

// run asks all recordings of a database, each on fresh rows.
func (p *replay) run(t *testing.T, recordings []recording) {
	f := fixtures[p.db](t, "testdata/golden-"+p.db+".sql")
	var w way
	if p.way == "cgi" {
		w = newCGI(t)
	} else {
		w = newServer(t, gateway.Options{RawSemicolons: p.raw})
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

// compareWays checks that a CGI program answers every recording byte for byte as
// the server does, and changes the same rows.
func compareWays(t *testing.T, all []*replay) {
	for _, db := range []string{"sqlite", "mariadb"} {
		of := func(way string) map[string]outcome {
			return all[slices.IndexFunc(all, func(p *replay) bool { return p.db == db && p.way == way && !p.raw })].outcomes
		}
		byCGI := of("cgi")
		for id, o := range of("server") {
			c := byCGI[id]
			if diff := cmp.Diff(append(o.setup, decide(o.answer, o.changes)...), append(c.setup, decide(c.answer, c.changes)...)); diff != "" {
				t.Errorf("%s: the CGI program answers otherwise (-server +cgi):\n%s", id, diff)
			}
			if o.body != c.body || o.kind != c.kind {
				t.Errorf("%s: the server answers %.300q (%s), the CGI program %.300q (%s)", id, o.body, o.kind, c.body, c.kind)
			}
		}
	}
}

// checkKept compares the answers to be kept with the script's. They may differ
// where docs/differences.md says so, and have to where it does.
func checkKept(t *testing.T, recordings []recording, all []*replay) {
	listed := readDifferences(t)
	needed := map[string]bool{}
	for _, p := range all {
		if p.way != "server" {
			continue
		}
		for i := range recordings {
			r := &recordings[i]
			o, asked := p.outcomes[r.ID]
			if !asked || r.Verdict != "keep" {
				continue
			}
			diff := r.differs(t, o)
			entry := listed.entry(r, p.raw)
			needed[entry] = true
			switch {
			case diff != "" && entry == "":
				t.Errorf("%s (%s): dbsep differs and docs/differences.md has no row for it\n%v\n(-script +dbsep):\n%s", r.ID, p.name(), &r.request, diff)
			case diff == "" && entry != "":
				t.Errorf("%s (%s): docs/differences.md has a row for it, but dbsep does not differ", r.ID, p.name())
			}
		}
	}
	for id := range listed {
		if !needed[id] && !strings.HasSuffix(id, "@pg") {
			t.Errorf("docs/differences.md lists %s, which is no recording with the verdict keep", id)
		}
	}
}

// differs tells how an outcome differs from the recording, empty if it does not.
func (r *recording) differs(t *testing.T, o outcome) string {
	t.Helper()
	type side struct {
		Status  int
		Setup   []string
		Body    string
		Changes []string
	}
	operation := r.operation()
	script := side{r.Reply.Status, nil, comparable(operation, r.Reply.Body), recordedChanges(t, r.RowsAfter)}
	dbsep := side{o.status, nil, comparable(operation, o.body), o.changes}
	for i := range r.Setup {
		op := r.Setup[i].operation()
		script.Setup = append(script.Setup, comparable(op, r.Setup[i].ReplyBody))
		dbsep.Setup = append(dbsep.Setup, comparable(op, o.setup[i]))
	}
	return cmp.Diff(script, dbsep)
}

// checkDecided compares the answers that are not the script's with those that
// were decided on. -update writes them down instead.
func checkDecided(t *testing.T, recordings []recording, all []*replay) {
	listed := readDifferences(t)
	got := decisions{}
	for i := range recordings {
		r := &recordings[i]
		if d := r.decision(listed, all); d != nil {
			got[r.ID+" "+r.Verdict+": "+r.requests()] = d
		}
	}
	if *update {
		got.write(t, decidedFile)
		return
	}
	want := decisions{}
	if _, err := os.Stat(decidedFile); err == nil {
		want = readDecisions(t, decidedFile)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers are not as decided; with -update they are written down, to be read one by one (-%s +dbsep):\n%s", decidedFile, diff)
	}
}

// requests shows what is asked, setup first.
func (r *recording) requests() string {
	var all []string
	for i := range r.Setup {
		all = append(all, r.Setup[i].String())
	}
	return strings.Join(append(all, r.String()), ", then ")
}

// decision is what a recording's answer has to be, nil where that is the
// script's. Lines for semicolons=raw follow where the answer is another then.
func (r *recording) decision(listed differences, all []*replay) decision {
	var d, raw decision
	for _, p := range all {
		o, asked := p.outcomes[r.ID]
		switch {
		case !asked || p.way != "server":
		case p.raw:
			raw = decide(o.answer, o.changes)
		default:
			d = decide(o.answer, o.changes)
		}
	}
	if d == nil || r.Verdict == "keep" && listed.entry(r, false) == "" {
		return nil
	}
	if raw.equal(d) {
		return d
	}
	if r.Verdict == "keep" && listed.entry(r, true) == "" {
		return append(d, "raw: as the script")
	}
	for _, line := range raw {
		d = append(d, "raw: "+line)
	}
	return d
}
