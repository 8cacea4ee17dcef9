package contrib_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// block is a configuration in a page of the manual, as in "```nginx proxy.conf".
var block = regexp.MustCompile("(?ms)^```[a-z]+ ([a-z-]+\\.conf)\n(.*?)^```$")

// TestSnippetsAreThoseOfTheManual compares, since e2e/webserver runs what stands
// in the manual.
func TestSnippetsAreThoseOfTheManual(t *testing.T) {
	for _, server := range []string{"apache", "nginx"} {
		t.Run(server, func(t *testing.T) {
			manual := map[string]string{}
			for _, m := range block.FindAllStringSubmatch(read(t, filepath.Join("../docs", server+".md")), -1) {
				manual[m[1]] = m[2]
			}
			files, err := filepath.Glob(filepath.Join(server, "*"))
			if err != nil {
				t.Fatal(err)
			}
			snippets := map[string]string{}
			for _, file := range files {
				snippets[filepath.Base(file)] = read(t, file)
			}
			if diff := cmp.Diff(manual, snippets); diff != "" || len(manual) == 0 {
				t.Errorf("contrib/%s differs from docs/%[1]s.md (-manual +contrib):\n%s", server, diff)
			}
		})
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
