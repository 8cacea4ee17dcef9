package config

import (
	"strings"

	"gopkg.in/ini.v1"
)

// literal lets ini.v1 read lines that set settings, the later of two lines
// winning.
//
// No choice of options keeps ini.v1 from giving some values a meaning: it
// strips surrounding backticks, reads """ and a lone backtick on into the
// following lines, and trims blanks beyond ASCII. What it does take literally
// is everything between the first backtick of a line and the last one. So it
// is handed each value in that notation, whatever the value holds, and
// Key.Value gives it back byte for byte. (Key.String would expand %(name)s.)
//
// Its error is for telling that there was one: its text quotes lines.
func literal(lines []placed) (*ini.File, error) {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("[" + sectionName(l.setting.Section) + "]\n")
		b.WriteString(l.setting.Key + "=`" + l.value + "`\n")
	}
	return ini.LoadSources(ini.LoadOptions{
		InsensitiveKeys:         true,
		IgnoreInlineComment:     true,
		IgnoreContinuation:      true,
		PreserveSurroundedQuote: true,
		KeyValueDelimiters:      "=",
		SkipUnrecognizableLines: true,
	}, []byte(b.String()))
}

// sectionName is what ini.v1 calls a section: a header cannot name the unnamed
// part of a file otherwise.
func sectionName(section string) string {
	if section == "" {
		return ini.DefaultSection
	}
	return section
}
