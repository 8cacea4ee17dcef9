package replay

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// differences are the recordings to be kept to which dbsep sends another response,
// as docs/differences.md says, each with whether only semicolons=encode makes it
// so.
type differences map[string]bool

var recordingID = regexp.MustCompile("`([a-z0-9-]+(?:@[a-z]+)?)`")

// readDifferences reads the last column of the tables of docs/differences.md.
// Tables below a heading that names semicolons=encode count only then.
func readDifferences(t *testing.T) differences {
	t.Helper()
	text, err := os.ReadFile("../../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := differences{}
	encode := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			encode = strings.Contains(line, "semicolons=encode")
		}
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for _, m := range recordingID.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			if _, twice := listed[m[1]]; twice {
				t.Errorf("docs/differences.md: %s stands in two rows", m[1])
			}
			listed[m[1]] = encode
		}
	}
	return listed
}

// entry returns which entry lists a recording: its id, or its name, which means
// that it differs on every database. Empty if none does.
func (d differences) entry(r *recording, raw bool) string {
	for _, id := range []string{r.ID, r.name()} {
		if encode, listed := d[id]; listed && !(encode && raw) {
			return id
		}
	}
	return ""
}
