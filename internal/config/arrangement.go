package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An arrangement is the lines of a file, each given to the setting it sets,
// and what is to be said about the others.
type arrangement struct {
	placed   []placed
	counts   map[string]line // key → the last line that sets it
	mistakes Problems
	warnings Problems
	crlf     bool // the warning about CR LF has been given
	ruled    []ruledSection
}

// A ruledSection is a section of table rights. Its lines set no setting: what
// stands before the = is the pattern of a table's name.
type ruledSection struct {
	line
	lines []line
}

// A placed line is one that sets a setting.
type placed struct {
	line
	setting *setting
}

// arrange finds for each line of a text the setting that it sets.
func arrange(text []byte) *arrangement {
	lines, problems := scan(text)
	a := &arrangement{counts: map[string]line{}, mistakes: problems}
	for _, l := range lines {
		switch {
		case ruled(l.section) && !(l.broken && l.header) && find(l.name).ours():
			a.rule(l)
		case l.header:
			a.header(l)
		case l.broken:
			a.stray(l)
		default:
			a.place(l)
		}
	}
	return a
}

// rule gives a line to its section of table rights.
func (a *arrangement) rule(l line) {
	if l.header {
		a.ruled = append(a.ruled, ruledSection{line: l})
		return
	}
	if len(a.ruled) > 0 {
		last := &a.ruled[len(a.ruled)-1]
		last.lines = append(last.lines, l)
	}
}

// place gives a line to its setting. The keys of the Perl script set theirs in
// any section, since the script took no notice of them.
func (a *arrangement) place(l line) {
	s := find(l.name)
	if s == nil || s.Section != "" && s.Section != l.section {
		a.misplaced(l, s)
		return
	}
	if before, ok := a.counts[s.Key]; ok {
		a.warn(before, s.Key, fmt.Sprintf("line %d sets it again, so this line has no effect", l.number), "remove one of the two")
	}
	a.counts[s.Key] = l
	a.placed = append(a.placed, placed{l, s})
}

// misplaced tells about a line that sets nothing where it stands; s is the
// setting of its name, nil if there is none. In a section of ours, and for a
// name of ours, it is a mistake. Elsewhere the Perl script ignored it, and
// what it ignored must not keep an old file from working.
func (a *arrangement) misplaced(l line, s *setting) {
	ours := slices.Contains(sections(), l.section)
	key := printable(l.name)
	text, hint := former(l.name)
	switch {
	case text != "" && (ours || l.section == ""):
		a.mistake(l, l.name, text, hint)
	case s != nil && (ours || l.section == ""):
		a.mistake(l, key, "the setting belongs in another section", fmt.Sprintf("move the line below [%s]", s.Section))
	case ours:
		a.mistake(l, key, fmt.Sprintf("[%s] has no such setting", l.section),
			suggest(l.name, keys(l.section), "remove the line"))
	case l.section == "":
		a.warn(l, key, "no such setting; the line has no effect, as with the Perl script",
			suggest(l.name, keys(""), "remove the line"))
	case near(l.name, keys("")) != "":
		a.warn(l, key, "no such setting; the line has no effect, as with the Perl script",
			suggest(l.name, keys(""), ""))
	}
}

// header tells about a section that is not one of ours.
func (a *arrangement) header(l line) {
	ours := slices.Contains(sections(), l.section) || ruled(l.section)
	switch {
	case ours && l.broken:
		a.mistake(l, "", fmt.Sprintf("the header of section %s is damaged", l.section), fmt.Sprintf("write [%s] alone on its line", l.section))
	case !ours:
		a.warn(l, "", "no such section; its lines have no effect, as with the Perl script",
			suggest(l.section, allSections(), "dbsep has "+bracketed(allSections())))
	}
}

// stray tells about a line that is neither comment nor header nor name=value.
// Its text is not shown: it may be the rest of a broken password line.
func (a *arrangement) stray(l line) {
	const text = "the line is neither name=value nor a comment"
	switch {
	case slices.Contains(sections(), l.section):
		a.mistake(l, "", text, "write name=value, or # in front of a comment")
	case l.section == "":
		a.warn(l, "", text+"; it has no effect, as with the Perl script", "write name=value, or # in front of a comment")
	}
}

func (a *arrangement) mistake(l line, key, text, remedy string) {
	a.mistakes = append(a.mistakes, Problem{Line: l.number, Key: key, Text: text, Remedy: remedy})
}

func (a *arrangement) warn(l line, key, text, remedy string) {
	a.warnings = append(a.warnings, Problem{Line: l.number, Key: key, Text: text, Remedy: remedy})
}

// ours tells whether the Perl script has no setting of the name.
func (s *setting) ours() bool { return s == nil || s.Section != "" }

// find is the setting of a key, nil if there is none.
func find(key string) *setting {
	for i := range table {
		if table[i].Key == key {
			return &table[i]
		}
	}
	return nil
}

// sections are the names of our sections.
func sections() []string {
	var names []string
	for _, s := range table {
		if s.Section != "" && !slices.Contains(names, s.Section) {
			names = append(names, s.Section)
		}
	}
	return names
}

// allSections are those whose lines are patterns of tables, too.
func allSections() []string {
	return append(sections(), tablesSection, lastGoodSection, cacheSection)
}

// keys are the keys of a section, and in each those of the Perl script.
func keys(section string) []string {
	var names []string
	for _, s := range table {
		if s.Section == section || s.Section == "" {
			names = append(names, s.Key)
		}
	}
	return names
}

// suggest asks for the near miss of a word, or else gives another remedy.
func suggest(word string, words []string, otherwise string) string {
	if w := near(word, words); w != "" {
		return "did you mean " + w + "?"
	}
	return otherwise
}

func bracketed(names []string) string {
	return "[" + strings.Join(names, "], [") + "]"
}

var name = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// printable is a name that may be shown: one that looks like a name. Anything
// else ("dbpass secret", or the end of a password that took two lines) is left
// to the line number.
func printable(word string) string {
	if len(word) <= 32 && name.MatchString(word) {
		return word
	}
	return ""
}
