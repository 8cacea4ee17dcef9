package replay

import (
	"maps"
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
	for _, db := range slices.Sorted(maps.Keys(fixtures)) {
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
		t.FailNow() // answers are missing or break a rule: first things first
	}
	all = slices.DeleteFunc(all, func(p *replay) bool { return p.outcomes == nil }) // a database that cannot be had here
	t.Run("same both ways", func(t *testing.T) { compareWays(t, all) })
	t.Run("keep", func(t *testing.T) { checkKept(t, recordings, all) })
	t.Run("danger", func(t *testing.T) { checkDanger(t, recordings, all) })
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
	byCGI := map[string]outcome{}
	for _, p := range all {
		if p.way == "cgi" {
			maps.Copy(byCGI, p.outcomes)
		}
	}
	for _, p := range all {
		if p.way == "cgi" || p.raw {
			continue
		}
		for id, o := range p.outcomes {
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
			o, ok := p.outcomes[r.ID]
			if !ok || r.Verdict != "keep" {
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
		if _, db, one := strings.Cut(id, "@"); !needed[id] && (!one || asked(db, all)) {
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

// harmless are the cases of the verdict danger that ask for something rightful
// as well, and how many lines of changes that makes.
var harmless = map[string]int{
	"op-destroy-dash":         1, // one row meets both conditions
	"name-update-where-dash":  2, // likewise
	"inj-value-store":         1, // the values are stored, being nothing but values
	"inj-value-store-stacked": 1, // likewise
	"seq-inject-readback":     1, // likewise, and the row asked for then is not there
}

// checkDanger checks that nothing dangerous comes of the recordings that were
// attacks or mishaps: no row of theirs in the answer, no row changed but those
// that may be.
func checkDanger(t *testing.T, recordings []recording, all []*replay) {
	for _, p := range all {
		for i := range recordings {
			r := &recordings[i]
			o, ok := p.outcomes[r.ID]
			if !ok || r.Verdict != "danger" {
				continue
			}
			lines, rightful := harmless[r.name()]
			if len(o.changes) > lines {
				t.Errorf("%s (%s) changed rows:\n%s", r.ID, p.name(), strings.Join(o.changes, "\n"))
			}
			switch r.operation() {
			case "single", "multi", "static":
				if o.code == "" && strings.Trim(o.body, "\n") != "" {
					t.Errorf("%s (%s) answered %.300q", r.ID, p.name(), o.body)
				}
			default:
				if o.body != "-1\n" && !rightful {
					t.Errorf("%s (%s) answered %.300q", r.ID, p.name(), o.body)
				}
			}
		}
	}
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
		if len(all) < len(replays()) {
			t.Fatal("not every database was asked, so its answers would be lost")
		}
		got.write(t, decidedFile)
		return
	}
	want := readDecisions(t, decidedFile)
	maps.DeleteFunc(want, func(title string, _ decision) bool {
		id, _, _ := strings.Cut(title, " ")
		_, db, _ := strings.Cut(id, "@")
		return !asked(db, all)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers are not as decided; with -update they are written down, to be read one by one (-%s +dbsep):\n%s", decidedFile, diff)
	}
}

// asked tells whether a database could be asked.
func asked(db string, all []*replay) bool {
	return slices.ContainsFunc(all, func(p *replay) bool { return p.db == db })
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
