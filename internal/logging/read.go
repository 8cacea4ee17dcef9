package logging

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// errNoLine says that a text is not a line of the log.
var errNoLine = errors.New("the text is not a line of dbsep's log")

// ParseLine reads the fields of a line of the log or of the access log, in each of their
// formats. Something else may precede the line, as in the journal. Values that are not texts are left out of an
// object.
func ParseLine(line string) (map[string]string, error) {
	line = strings.TrimRight(line, "\r\n")
	if begin := strings.Index(line, `{"`); begin >= 0 && strings.HasSuffix(line, "}") {
		return parseObject(line[begin:])
	}
	begin := strings.Index(line, "level=")
	if begin < 0 || !strings.Contains(line[begin:], " msg=") {
		return nil, errNoLine
	}
	return parseText(line[begin:])
}

func parseObject(line string) (map[string]string, error) {
	var object map[string]any
	if err := json.Unmarshal([]byte(line), &object); err != nil {
		return nil, errNoLine
	}
	fields := map[string]string{}
	for name, value := range object {
		if text, ok := value.(string); ok {
			fields[name] = text
		}
	}
	if fields["level"] == "" || fields["msg"] == "" {
		return nil, errNoLine
	}
	return fields, nil
}

func parseText(line string) (map[string]string, error) {
	fields := map[string]string{}
	for line != "" {
		name, rest, found := strings.Cut(line, "=")
		if !found || strings.Contains(name, " ") {
			return nil, errNoLine
		}
		value, after, _ := strings.Cut(rest, " ")
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, errNoLine
			}
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, errNoLine
			}
			after = strings.TrimPrefix(rest[len(quoted):], " ")
		}
		fields[name], line = value, after
	}
	return fields, nil
}
