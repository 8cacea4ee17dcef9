package asteriskconf

import (
	"fmt"
	"strings"
)

// Text returns the text of a file that is read as these sections, without templates and
// included files. The error names a section or line that no file can have.
func Text(sections []*Section) (string, error) {
	var text strings.Builder
	for i, s := range sections {
		if i > 0 {
			text.WriteString("\n")
		}
		switch {
		case strings.ContainsAny(s.Name, "]\n\x00"):
			return "", fmt.Errorf("a file cannot have the section %q: its name has a ], the end of a line or a NUL byte", s.Name)
		case len(s.Name) > maxSectionName:
			return "", fmt.Errorf("a file cannot have the section %q: its name has more than %d bytes", s.Name, maxSectionName)
		}
		text.WriteString("[" + withoutComments(s.Name) + "]\n")
		for _, l := range s.Lines {
			line, err := l.text()
			if err != nil {
				return "", fmt.Errorf("a file cannot have the line %q of section [%s]: %w", l.Name, s.Name, err)
			}
			text.WriteString(line + "\n")
		}
	}
	return text.String(), nil
}

func (l *Line) text() (string, error) {
	switch {
	case l.Name == "":
		return "", fmt.Errorf("it has no name")
	case strings.Contains(l.Name[1:], "="):
		return "", fmt.Errorf("there is a = in its name")
	case strings.ContainsAny(l.Name+l.Value, "\n\x00"):
		return "", fmt.Errorf("there is the end of a line or a NUL byte in it")
	case strip(l.Name) != l.Name, strip(l.Value) != l.Value:
		return "", fmt.Errorf("there is whitespace at an end of its name or its value")
	}
	line := withoutComments(l.Name) + " = " + withoutComments(l.Value)
	if strings.IndexByte(`[#\=`, l.Name[0]) >= 0 {
		line = `\` + line
	}
	line = strings.TrimSuffix(line, " ")
	if len(line) > maxLineBytes {
		return "", fmt.Errorf("it has more than %d bytes", maxLineBytes)
	}
	return line, nil
}

// withoutComments writes a text in which no ; begins a comment.
func withoutComments(text string) string { return strings.ReplaceAll(text, ";", `\;`) }
