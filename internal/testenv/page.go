package testenv

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Page is a page of the manual. Its fenced blocks that have a name, as in
// "```apache cgi.conf", are what the tests run.
type Page struct {
	file   string
	blocks map[string]string

	mu   sync.Mutex
	used map[string]bool
}

// pages are all that the tests of a package have opened.
var pages = struct {
	sync.Mutex
	open    map[string]*Page
	leftOut bool // a test was left out, so blocks may be
}{open: map[string]*Page{}}

// OpenPage reads a page. When all tests of a package have run, Main wants every
// named block to have been used, so that the manual holds nothing that nobody
// has tried.
func OpenPage(t testing.TB, file string) *Page {
	t.Helper()
	pages.Lock()
	defer pages.Unlock()
	if p := pages.open[file]; p != nil {
		return p
	}
	p := ReadPage(t, file)
	pages.open[file] = p
	return p
}

// ReadPage reads a page that the tests of another package are responsible for.
func ReadPage(t testing.TB, file string) *Page {
	t.Helper()
	p, err := parsePage(file, read(t, file))
	check(t, err)
	return p
}

func parsePage(file, text string) (*Page, error) {
	p := &Page{file: file, blocks: map[string]string{}, used: map[string]bool{}}
	var name string
	inside := false
	for line := range strings.Lines(text) {
		info, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case fence && inside:
			inside, name = false, ""
		case fence:
			inside = true
			if _, name, _ = strings.Cut(info, " "); name != "" && p.blocks[name] != "" {
				return nil, fmt.Errorf("%s has two blocks called %s", file, name)
			}
		case inside && name != "":
			p.blocks[name] += line
		}
	}
	return p, nil
}

// Names are the names of the page's blocks, in alphabetical order.
func (p *Page) Names() []string { return slices.Sorted(maps.Keys(p.blocks)) }

// untried are the blocks that no test has used, unless not all tests have run.
func untried() error {
	pages.Lock()
	defer pages.Unlock()
	if pages.leftOut || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" {
		return nil
	}
	var all []error
	for _, file := range slices.Sorted(maps.Keys(pages.open)) {
		p := pages.open[file]
		for _, name := range p.Names() {
			if !p.used[name] {
				all = append(all, fmt.Errorf("%s: no test has used the block %s", file, name))
			}
		}
	}
	return errors.Join(all...)
}

// Block returns a block with addresses and paths replaced, given as pairs of
// old and new. Each old one must be there.
func (p *Page) Block(t testing.TB, name string, replace ...string) string {
	t.Helper()
	text, ok := p.blocks[name]
	if !ok {
		t.Fatalf("%s has no block called %s", p.file, name)
	}
	p.mu.Lock()
	p.used[name] = true
	p.mu.Unlock()
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("%s: the block %s does not hold %q", p.file, name, replace[i])
		}
	}
	return strings.NewReplacer(replace...).Replace(text)
}
