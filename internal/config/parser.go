package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A parser assigns the lines of a file to settings, and collects problems.
type parser struct {
	lines    map[string]line // key of a setting → the last line that sets it
	sections []tableSection
	mistakes Problems
	warnings Problems
	crlf     bool // the warning about CR LF has been given
}

// A tableSection is a section about tables. Its lines set no settings: the name
// in a line is a pattern of table names.
type tableSection struct {
	line
	lines []line
}

// newParser assigns all lines of a text.
func newParser(text []byte) *parser {
	lines, problems := scan(text)
	p := &parser{lines: map[string]line{}, mistakes: problems}
	for _, l := range lines {
		switch {
		case isTableSection(l.section) && !(l.broken && l.header) && !isPerlKey(l.name):
			p.addToTableSection(l)
		case l.header:
			p.checkHeader(l)
		case l.broken:
			p.reportBroken(l)
		default:
			p.assign(l)
		}
	}
	return p
}

func (p *parser) addToTableSection(l line) {
	if l.header {
		p.sections = append(p.sections, tableSection{line: l})
		return
	}
	if len(p.sections) > 0 {
		last := &p.sections[len(p.sections)-1]
		last.lines = append(last.lines, l)
	}
}

// assign assigns a line to its setting. The keys of the Perl script count in every
// section, because the script ignored sections.
func (p *parser) assign(l line) {
	s := find(l.name)
	if s == nil || s.Section != "" && s.Section != l.section {
		p.reportUnknown(l, s)
		return
	}
	if before, ok := p.lines[s.Key]; ok {
		p.warn(before, s.Key, fmt.Sprintf("line %d sets it again, so this line has no effect", l.number), "remove one of the two")
	}
	p.lines[s.Key] = l
}

// reportUnknown reports a line that sets nothing where it is; s is the setting of
// its name, nil if there is none. In a section of dbsep, and for a name of dbsep,
// it is a mistake. Everywhere else the Perl script ignored it, and an old file must
// keep working.
func (p *parser) reportUnknown(l line, s *setting) {
	ours := slices.Contains(sections(), l.section)
	key := printable(l.name)
	text, hint := former(l.name)
	switch {
	case text != "" && (ours || l.section == ""):
		p.mistake(l, l.name, text, hint)
	case s != nil && (ours || l.section == ""):
		p.mistake(l, key, "the setting belongs in another section", fmt.Sprintf("move the line below [%s]", s.Section))
	case ours:
		p.mistake(l, key, fmt.Sprintf("[%s] has no such setting", l.section),
			suggest(l.name, append(settingsOf(""), settingsOf(l.section)...), "remove the line"))
	case l.section == "":
		p.warn(l, key, "no such setting; the line has no effect, as with the Perl script",
			suggest(l.name, settingsOf(""), "remove the line"))
	case closest(l.name, settingsOf("")) != "":
		p.warn(l, key, "no such setting; the line has no effect, as with the Perl script",
			suggest(l.name, settingsOf(""), ""))
	}
}

// checkHeader reports a header that is damaged or of an unknown section.
func (p *parser) checkHeader(l line) {
	known := slices.Contains(sections(), l.section) || isTableSection(l.section)
	switch misspelt := misspeltSection(l.section); {
	case known && l.broken:
		p.mistake(l, "", fmt.Sprintf("the header of section %s is damaged", l.section), fmt.Sprintf("write [%s] alone on its line", l.section))
	case !known && misspelt != "":
		p.reportMisspelt(l, misspelt)
	case !known:
		p.warn(l, "", "no such section; its lines have no effect, as with the Perl script",
			suggest(l.section, allSections(), "dbsep has "+bracketed(allSections())))
	}
}

// reportBroken reports a line that is neither a comment, nor a header, nor
// name=value. Its text is not shown: it can be the rest of a broken password line.
func (p *parser) reportBroken(l line) {
	const text = "the line is neither name=value nor a comment"
	switch misspelt := misspeltSection(l.name); {
	case misspelt != "" && strings.ContainsAny(l.name[len(l.name)-1:], "])}>"):
		p.reportMisspelt(l, misspelt)
	case slices.Contains(sections(), l.section):
		p.mistake(l, "", text, "write name=value, or # before a comment")
	case l.section == "":
		p.warn(l, "", text+"; it has no effect, as with the Perl script", "write name=value, or # before a comment")
	}
}

// reportMisspelt reports a header that must not be ignored.
func (p *parser) reportMisspelt(l line, section string) {
	p.mistake(l, "", fmt.Sprintf("no such section, and its name is close to that of [%s], which decides what clients may do", section),
		fmt.Sprintf("correct the header, or write # before it and before its lines; dbsep has %s", bracketed(allSections())))
}

func (p *parser) mistake(l line, key, text, hint string) {
	p.mistakes = append(p.mistakes, Problem{Line: l.number, Key: key, Text: text, Hint: hint})
}

func (p *parser) warn(l line, key, text, hint string) {
	p.warnings = append(p.warnings, Problem{Line: l.number, Key: key, Text: text, Hint: hint})
}

// isPerlKey reports whether the Perl script has a setting of the name.
func isPerlKey(name string) bool {
	s := find(name)
	return s != nil && s.Section == ""
}

// find returns the setting of a key, or nil.
func find(key string) *setting {
	for i := range table {
		if table[i].Key == key {
			return &table[i]
		}
	}
	return nil
}

// sections returns the names of the sections that have settings.
func sections() []string {
	var names []string
	for _, s := range table {
		if s.Section != "" && !slices.Contains(names, s.Section) {
			names = append(names, s.Section)
		}
	}
	return names
}

// allSections returns the sections about tables, too.
func allSections() []string {
	return append(sections(), tablesSection, lastGoodSection, cacheSection)
}

// suggest returns a hint with the word that was probably meant, or the other hint.
func suggest(word string, words []string, other string) string {
	if w := closest(word, words); w != "" {
		return "did you mean " + w + "?"
	}
	return other
}

// settingsOf returns the keys of a section; those of the Perl script have none.
func settingsOf(section string) []string {
	var names []string
	for _, s := range table {
		if s.Section == section {
			names = append(names, s.Key)
		}
	}
	return names
}

func bracketed(names []string) string {
	return "[" + strings.Join(names, "], [") + "]"
}

var name = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// printable returns a name that may be shown: one that looks like a name. Anything
// else ("dbpass secret", or the end of a password on a line of its own) is not
// shown; the line number is enough.
func printable(word string) string {
	if len(word) <= 32 && name.MatchString(word) {
		return word
	}
	return ""
}
