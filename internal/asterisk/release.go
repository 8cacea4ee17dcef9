package asterisk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Development is the name of the version that is being developed.
const Development = "development"

// A Release is one whose tables are known.
type Release struct{ index int }

// String is its full name, such as 22.10.1.
func (r Release) String() string { return facts().releases[r.index] }

// Releases are those whose tables are known, the oldest first.
func Releases() []Release {
	all := make([]Release, len(facts().releases))
	for i := range all {
		all[i] = Release{i}
	}
	return all
}

// developmentNames are other names of it.
var developmentNames = []string{"dev", "devel", "master", "main", "head", "trunk", "git"}

// FindRelease returns the release whose tables serve a version of Asterisk, as in 22,
// 22.5 or development. If its tables are those of another version, note says so.
//
// A version without facts has those of the next older series. Within a series the next
// newer release is taken: a column that Asterisk does not know yet stays NULL and does
// no harm, one that is missing stops registrations.
func FindRelease(version string) (r Release, note string, err error) {
	known := facts().releases
	last := len(known) - 1
	name := strings.ToLower(strings.TrimSpace(version))
	if name == Development || slices.Contains(developmentNames, name) {
		return Release{last}, "", nil
	}
	wanted, ok := parseVersion(name)
	oldest, _ := parseVersion(known[0])
	newest, _ := parseVersion(known[last-1])
	if !ok || wanted[0] < oldest[0] || wanted[0] > newest[0] {
		return Release{}, "", fmt.Errorf("no tables are known of Asterisk %q; choose a version from %d to %d, or %s", version, oldest[0], newest[0], Development)
	}
	found := -1
	for i, text := range known[:last] {
		switch v, _ := parseVersion(text); {
		case v[0] > wanted[0]:
		case v[0] < wanted[0] || len(wanted) == 1:
			found = i
		case slices.Compare(v[:len(wanted)], wanted) == 0:
			return Release{i}, "", nil
		case found < 0 || !atLeast(known[found], wanted):
			found = i
		}
	}
	switch v, _ := parseVersion(known[found]); {
	case v[0] != wanted[0]:
		note = fmt.Sprintf("the tables of Asterisk %s are not known; these are those of %s, the next older one", name, known[found])
	case len(wanted) > 1:
		note = fmt.Sprintf("the tables of Asterisk %s are not known; these are those of %s", name, known[found])
	}
	return Release{found}, note, nil
}

// atLeast reports whether a known release is of the series of a version and not older.
func atLeast(known string, version []int) bool {
	v, _ := parseVersion(known)
	return v[0] == version[0] && slices.Compare(v, version) >= 0
}

// parseVersion reads one to three numbers.
func parseVersion(text string) (v []int, ok bool) {
	parts := strings.Split(text, ".")
	for _, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || part[0] == '+' {
			return nil, false
		}
		v = append(v, n)
	}
	return v, len(v) <= 3
}
