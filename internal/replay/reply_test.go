package replay

import (
	"slices"
	"strings"
)

// comparable brings a response of the script or of dbsep into the form in which the
// two are compared: pairs have no order of their own in a row (the script had
// none), but those of one name keep theirs; the rows of multi had the order in
// which the database found them; zero could be written 0E0.
func comparable(operation, body string) string {
	switch operation {
	case "single", "multi", "static":
		var lines []string
		for line := range strings.Lines(body) {
			row := strings.TrimSuffix(line, "\n")
			pairs := strings.Split(row, "&")
			slices.SortStableFunc(pairs, func(a, b string) int { return strings.Compare(pairName(a), pairName(b)) })
			lines = append(lines, strings.Join(pairs, "&")+line[len(row):])
		}
		if operation == "multi" {
			slices.Sort(lines)
		}
		return strings.Join(lines, "")
	case "store", "update", "destroy", "require":
		if body == "0E0\n" {
			return "0\n"
		}
	}
	return body
}

func pairName(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return name
}
