package config

import (
	"regexp"
	"slices"
	"strings"
)

const variablePrefix = "DBSEP_"

// Variable is the name of the environment variable that takes the place of the line.
func (s Setting) Variable() string {
	if s.Section == "" {
		return variablePrefix + strings.ToUpper(s.Key)
	}
	return variablePrefix + strings.ToUpper(s.Section+"_"+s.Key)
}

// otherVariables are no settings: that of the configuration's file, those that Kubernetes
// sets for a service called dbsep, and those of the project's own tests, which start the
// program.
var otherVariables = regexp.MustCompile(`^DBSEP_(CONF|SERVICE_.*|PORT(_.*)?|TEST_.*|E2E.*|ATTACK|SOAK_MINUTES)$`)

// readVariables returns the variables of an environment that are settings: key of a
// setting → value. A variable that looks like one and is none is a mistake.
func (p *parser) readVariables(environ []string) map[string]string {
	keys := make(map[string]string, len(table))
	for _, s := range table {
		keys[s.Variable()] = s.Key
	}
	values := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		key, known := keys[name]
		switch {
		case known:
			values[key] = value
		case strings.HasPrefix(name, variablePrefix) && !otherVariables.MatchString(name):
			p.mistakes = append(p.mistakes, Problem{Key: name, Text: "no setting has this environment variable",
				Hint: suggest(name, append(names(table), variablePrefix+"CONF"), "remove it; the name is DBSEP_SECTION_KEY, for example DBSEP_SERVER_LISTEN")})
		}
	}
	return values
}

func names(settings []setting) []string {
	var all []string
	for _, s := range settings {
		all = append(all, s.Variable())
	}
	slices.Sort(all)
	return all
}
