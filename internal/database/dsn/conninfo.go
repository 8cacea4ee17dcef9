package dsn

import (
	"regexp"
	"strings"
)

// Spaces are the characters between the options of a connection string.
const Spaces = " \t\n\r\v\f"

var optionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,29}$`)

// IsOptionName reports whether a text can be nothing but a name: anything else
// may be part of a password and is not repeated.
func IsOptionName(text string) bool { return optionName.MatchString(text) }

// An Option is one name=value of a connection string of PostgreSQL's C library.
type Option struct {
	Name, Value string
	Quoted      bool
	Mistake     string // what is wrong with it
}

// CutOption takes the first option off a connection string that does not begin
// with a space. A backslash makes the character behind it part of the value.
func CutOption(text string) (o Option, rest string) {
	end := strings.IndexAny(text, "="+Spaces)
	if end < 0 {
		end = len(text)
	}
	o.Name = text[:end]
	rest, found := strings.CutPrefix(strings.TrimLeft(text[end:], Spaces), "=")
	if !found || o.Name == "" {
		o.Mistake = "holds something that is no name=value"
		return o, ""
	}
	rest = strings.TrimLeft(rest, Spaces)
	rest, o.Quoted = strings.CutPrefix(rest, "'")
	stop := Spaces
	if o.Quoted {
		stop = "'"
	}
	var value []byte
	i := 0
	for ; i < len(rest) && strings.IndexByte(stop, rest[i]) < 0; i++ {
		if rest[i] == '\\' {
			i++
		}
		if i < len(rest) {
			value = append(value, rest[i])
		}
	}
	if i >= len(rest) {
		if o.Quoted {
			o.Mistake = "holds a quote without its end"
		}
		i = len(rest)
	} else {
		i++ // the quote or a space
	}
	o.Value = string(value)
	return o, strings.TrimLeft(rest[i:], Spaces)
}
