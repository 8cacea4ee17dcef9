package gateway

import (
	"regexp"
	"strings"

	"dbsep/sqlgen"
)

// signedOperators are the operators that need no space before them, except =, which ends a
// name. One that begins with another is before it.
var signedOperators = []string{"<=", ">=", "<>", "!=", "==", "<", ">"}

// ParseArgument parses a field as people write it: a name, with an operator if it has one, and
// a value, all as they are.
//
//	id=alice
//	id LIKE=alice;@%
//	expiration_time <=1795294347
func ParseArgument(argument string) sqlgen.Field {
	if i := strings.IndexAny(argument, "<>=!"); i >= 0 {
		for _, operator := range signedOperators {
			if value, ok := strings.CutPrefix(argument[i:], operator); ok {
				return sqlgen.Field{Name: argument[:i] + operator, Value: strings.TrimPrefix(value, "=")}
			}
		}
	}
	name, value, _ := strings.Cut(argument, "=")
	return sqlgen.Field{Name: name, Value: value}
}

// conditionName is a column without spaces in its name, and an operator. Others are text that a
// client sends in place of a name.
var conditionName = regexp.MustCompile(`(?i)^[^ ]+ *([<>=!]+|(NOT +)?LIKE)? *$`)

// formatArgument writes a field without its value. ok is false where it cannot be parsed
// again, or where the name is none that a command in a log may have.
func formatArgument(name string) (argument string, ok bool) {
	if logName(name) != name || !conditionName.MatchString(name) {
		return "", false
	}
	argument = name
	if !strings.HasSuffix(name, "=") {
		argument += "="
	}
	if ParseArgument(argument).Name != name {
		argument = name
	}
	return argument, ParseArgument(argument) == sqlgen.Field{Name: name}
}

// explained are the errors of which dbsep explain shows the reason, or what may be one.
var explained = map[Code]bool{
	Forbidden: true, NoFile: true, NoCondition: true, NoValue: true, UnknownTable: true, UnknownColumn: true, UnknownOperator: true,
	RepeatedColumn: true, Duplicate: true, BadValue: true, Denied: true, Timeout: true, TooManyRows: true,
}

// maxCommandBytes limits a command in the log.
const maxCommandBytes = 1000

// explainCommand returns the command that explains a request. It has the names of the fields
// and not their values. It is empty where it would not be about the same fields.
func (req *request) explainCommand(address string) string {
	if req.operation == nil || req.realTable == "" && req.code != UnknownTable || req.query == "" && req.body == "" {
		return ""
	}
	c := command{text: []byte("dbsep explain")}
	if req.client.Rights != nil {
		if name := req.client.Name; name != "" && logName(name) == name {
			c.add("--as", "name:"+name)
		}
		if address != "" {
			c.add("--as", "address:"+address)
		}
	}
	c.add(logName(req.table) + "/" + req.operation.Name)
	switch {
	case logName(req.table) != req.table:
		return ""
	case req.operation.Name == "update":
		c.addNames(req.query)
		c.addNames(req.body, "--set")
	case req.posted:
		c.addNames(req.body)
	default:
		c.addNames(req.query)
	}
	if c.incomplete {
		return ""
	}
	return string(c.text)
}

// A command is one for a shell.
type command struct {
	text       []byte
	incomplete bool // a field cannot be written, or it would be too long
}

// add adds a word that must not look like an option, or an option with its value.
func (c *command) add(words ...string) {
	if len(words) == 1 && strings.HasPrefix(words[0], "-") {
		c.incomplete = true
	}
	for _, word := range words {
		if strings.ContainsAny(word, " $!<>#") { // of what a name in a log may have
			word = "'" + word + "'"
		}
		c.text = append(append(c.text, ' '), word...)
	}
	c.incomplete = c.incomplete || len(c.text) > maxCommandBytes
}

// addNames adds the names of a form's fields, each after the option.
func (c *command) addNames(form string, option ...string) {
	for pair := range strings.SplitSeq(form, "&") {
		if pair == "" {
			continue
		}
		name, _, found := strings.Cut(pair, "=")
		argument, ok := formatArgument(unescape(name))
		if c.incomplete = c.incomplete || !found || !ok; c.incomplete {
			return
		}
		c.add(append(option, argument)...)
	}
}
