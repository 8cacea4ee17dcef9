package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// privateWords are words of the project's past that nobody searches for. The standard
// words are phone or endpoint, again, fix, hint, space, client, connection, damaged.
var privateWords = regexp.MustCompile(`(?i)\b(telephones?|anew|mend(s|ed|ing)?|remed(y|ies)|blanks?|whoever|newcomers?|torn)\b`)

// checkedForWords are the files and folders that use standard words only. Recorded
// requests and responses, in folders named testdata, are as they came.
var checkedForWords = []string{
	".ci", ".golangci.yml", "Makefile", "dbsep.conf.sample",
	"bench", "cmd", "contrib", "e2e", "gateway", "internal", "sqlgen",
	"docs/errors.md", "docs/protocol.md",
}

func TestStandardWords(t *testing.T) {
	for _, root := range checkedForWords {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "testdata":
				return filepath.SkipDir
			case entry.IsDir():
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, line := range strings.Split(string(text), "\n") {
				if word := privateWords.FindString(line); word != "" {
					t.Errorf("%s:%d: use the standard word instead of %q: %s", path, i+1, word, strings.TrimSpace(line))
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
