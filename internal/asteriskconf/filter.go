package asteriskconf

import (
	"regexp"
	"strings"
)

// matching returns the first section of a name that a filter allows, such as
// type=endpoint&TEMPLATES=include. Without TEMPLATES those are left out that only others
// use.
func (r *reader) matching(name, filter string) *Section {
	templates := "leave out"
	var conditions [][2]*regexp.Regexp
	if filter != "" {
		for part := range strings.SplitSeq(filter, "&") {
			variable, value, ok := strings.Cut(part, "=")
			variable, value = unquote(variable), unquote(value)
			if ok && variable == "TEMPLATES" && (value == "include" || value == "restrict") {
				templates = value
				continue
			}
			if !ok {
				return nil
			}
			names, err := regexp.CompilePOSIX(variable)
			if err != nil {
				return nil
			}
			values, err := regexp.CompilePOSIX(value)
			if err != nil {
				return nil
			}
			conditions = append(conditions, [2]*regexp.Regexp{names, values})
		}
	}
	for _, s := range r.Sections {
		allowed := templates == "include" || s.template == (templates == "restrict")
		if allowed && strings.EqualFold(s.Name, name) && s.meets(conditions) {
			return s
		}
	}
	return nil
}

// unquote removes whitespace and quotes around a part of a filter.
func unquote(text string) string { return strings.Trim(strip(text), `"`) }

// meets reports whether each condition has a line of which name and value match.
func (s *Section) meets(conditions [][2]*regexp.Regexp) bool {
	for _, c := range conditions {
		met := false
		for _, l := range s.Lines {
			met = met || c[0].MatchString(l.Name) && c[1].MatchString(l.Value)
		}
		if !met {
			return false
		}
	}
	return true
}
