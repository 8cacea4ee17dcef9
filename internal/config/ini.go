package config

import (
	"strings"

	"gopkg.in/ini.v1"
)

// readINI reads the values of settings with ini.v1. lines has the line of each
// key.
//
// ini.v1 does not read the file itself. With every choice of its options it changes
// some values: it removes surrounding backticks, trims whitespace other than
// ASCII, and a value that begins with """ or a single backtick continues on the
// following lines, so one password could remove all settings after it. It also has
// no line numbers. Only text between the first and the last backtick of a line
// stays unchanged, so each value is passed between backticks. Key.Value returns it
// byte for byte; Key.String would expand %(name)s.
//
// The text of the error must not be shown: it quotes lines.
func readINI(lines map[string]line) (*ini.Section, error) {
	var b strings.Builder
	for key, l := range lines {
		b.WriteString(key + "=`" + l.value + "`\n")
	}
	f, err := ini.LoadSources(ini.LoadOptions{
		InsensitiveKeys:         true,
		IgnoreInlineComment:     true,
		IgnoreContinuation:      true,
		PreserveSurroundedQuote: true,
		KeyValueDelimiters:      "=",
		SkipUnrecognizableLines: true,
	}, []byte(b.String()))
	if err != nil {
		return nil, err
	}
	return f.Section(ini.DefaultSection), nil
}
