package replay

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkKept compares the responses to be kept with the script's. They may differ
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

// differs returns how an outcome differs from the recording, empty if it does not.
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
