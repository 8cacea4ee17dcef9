package config

import (
	"slices"
	"strings"
	"unicode"
)

// securitySections decide who may connect, and what clients read and write.
var securitySections = []string{"server", tablesSection, compatSection, lastGoodSection, cacheSection}

// misspeltSection returns the security section that the name of an unknown
// section is close to, or "".
func misspeltSection(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(words) == 0 {
		return ""
	}
	if kind, _, found := strings.Cut(name, ":"); found && slices.Contains(clientKinds, strings.Trim(kind, whitespace)) {
		return tablesSection
	}
	if section := closest(words[0], securitySections); section != "" {
		return section
	}
	return closest(strings.Join(words, ""), securitySections)
}

// cutSection splits the name of a section at the first space or tab: a section
// may be for some clients or tables only.
func cutSection(name string) (first, rest string) {
	i := strings.IndexAny(name, whitespace)
	if i < 0 {
		return name, ""
	}
	return name[:i], strings.Trim(name[i:], whitespace)
}
