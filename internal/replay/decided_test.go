package replay

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const decidedFile = "testdata/decided.txt"

// checkDecided compares the responses that are not the script's with those that
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

// requests shows what is sent, setup first.
func (r *recording) requests() string {
	var all []string
	for i := range r.Setup {
		all = append(all, r.Setup[i].String())
	}
	return strings.Join(append(all, r.String()), ", then ")
}

// decision is what a recording's response has to be, nil where that is the
// script's. Lines for semicolons=raw follow where they make the response another.
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
