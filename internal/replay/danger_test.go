package replay

import (
	"strings"
	"testing"
)

// harmless are the cases of the verdict danger that also request something
// rightful, and how many lines of changes that makes.
var harmless = map[string]int{
	"op-destroy-dash":         1, // one row meets both conditions
	"name-update-where-dash":  2, // likewise
	"inj-value-store":         1, // the values are stored, being nothing but values
	"inj-value-store-stacked": 1, // likewise
	"seq-inject-readback":     1, // likewise, and the row that is then requested is not there
}

// ownName are the cases that read a table of the schema by its own name, or by that and
// the schema's. Which tables there are to read, the rights of the account decide.
var ownName = map[string]bool{"table-any-pg": true, "table-schema-pg": true, "table-schema-sqlite": true}

// checkDanger checks that nothing dangerous comes of the recordings that were
// attacks or mishaps: no row of theirs in the response, no row changed but those
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
				if o.code == "" && !ownName[r.name()] && strings.Trim(o.body, "\n") != "" {
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
