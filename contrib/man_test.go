package contrib_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestManualPagesHaveShortLines has the one rule of mandoc -T lint that is most often
// broken; e2e/deb runs all of it.
func TestManualPagesHaveShortLines(t *testing.T) {
	pages, err := filepath.Glob("man/*.[15]")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		n, literal := 0, false
		for line := range strings.Lines(string(text)) {
			literal = strings.HasPrefix(line, ".Bd") || literal && !strings.HasPrefix(line, ".Ed")
			if n++; len(line) > 81 && !literal && !strings.HasPrefix(line, ".") {
				t.Errorf("%s:%d: %d bytes", page, n, len(line)-1)
			}
		}
	}
}
