package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A kind is how the text of a value is read.
type kind struct {
	name string
	// read sets a field, or returns why the text is not a value of this kind: a
	// Problem that has only Text and Hint.
	read func(c *Config, text string) *Problem
}

// text is any text, unchanged.
func text(name string, set func(c *Config, text string)) kind {
	return kind{name, func(c *Config, text string) *Problem {
		set(c, text)
		return nil
	}}
}

// duration is what time.ParseDuration reads, or a number of seconds. Zero is
// invalid: a limit cannot be switched off.
func duration(field func(*Config) *time.Duration) kind {
	const minimum, maximum = time.Millisecond, 24 * time.Hour
	return kind{"duration", func(c *Config, text string) *Problem {
		d, err := time.ParseDuration(text)
		if seconds, bare := strconv.ParseUint(text, 10, 32); bare == nil {
			d, err = time.Duration(seconds)*time.Second, nil
		}
		if err != nil {
			return refuse(text, "is not a valid duration", "write a number and a unit, ms, s, m or h, for example 10s; a number alone is in seconds")
		}
		if d < minimum || d > maximum {
			return refuse(text, "is out of range", "write 1ms to 24h, for example 10s")
		}
		*field(c) = d
		return nil
	}}
}

// size is a number of bytes, with K, M or G for powers of 1024.
func size(field func(*Config) *int64) kind {
	const minimum, maximum = 1 << 10, 1 << 30
	return kind{"size", func(c *Config, text string) *Problem {
		number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
		shift := 0
		for i, unit := range []string{"K", "M", "G"} {
			if trimmed, found := strings.CutSuffix(number, unit); found {
				number, shift = strings.TrimRight(trimmed, whitespace), 10*(i+1)
				break
			}
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return refuse(text, "is not a valid size", "write a number of bytes, or one with K, M or G, for example 4M")
		}
		if n <<= shift; n < minimum || n > maximum {
			return refuse(text, "is out of range", "write 1K to 1G, for example 4M")
		}
		*field(c) = int64(n)
		return nil
	}}
}

// count is a number from 1 to maximum.
func count(maximum int, field func(*Config) *int) kind {
	name := "number"
	if maximum < 1<<30 {
		name = fmt.Sprintf("number, at most %d", maximum)
	}
	return kind{name, func(c *Config, text string) *Problem {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maximum {
			return refuse(text, "is not a number in range", fmt.Sprintf("write a whole number from 1 to %d", maximum))
		}
		*field(c) = n
		return nil
	}}
}

// choice is one of some words, in upper or lower case. One of them can be "".
func choice(field func(*Config) *string, words ...string) kind {
	return kind{choiceName(words), func(c *Config, text string) *Problem {
		for _, w := range words {
			if strings.EqualFold(text, w) {
				*field(c) = w
				return nil
			}
		}
		hint := "write " + either(words)
		if w := closest(strings.ToLower(text), words); w != "" {
			hint = "did you mean " + w + "? " + hint
		}
		return refuse(text, "is not one of the choices", hint)
	}}
}

// column is the name of a column, the word none, or empty. Which columns there are, only
// the database knows.
func column(field func(*Config) *string) kind {
	return kind{"column, `none`", func(c *Config, text string) *Problem {
		switch last := text[strings.LastIndexAny(text, whitespace)+1:]; {
		case strings.EqualFold(text, "none"):
			text = "none"
		case strings.Contains(text, ",") || last != text && (strings.EqualFold(last, "ASC") || strings.EqualFold(last, "DESC")):
			return refuse(text, "is not the name of one column", "write a column, the lowest value comes first, or none")
		}
		*field(c) = text
		return nil
	}}
}

// yesNo is yes or no, or one of the other words for a truth value.
func yesNo(field func(*Config) *bool) kind {
	return kind{"yes or no", func(c *Config, text string) *Problem {
		switch strings.ToLower(text) {
		case "yes", "on", "true", "1":
			*field(c) = true
		case "no", "off", "false", "0":
			*field(c) = false
		default:
			return refuse(text, "is neither yes nor no", "write yes or no")
		}
		return nil
	}}
}

// autoNo is on unless it is switched off. On is called auto: it finds out by itself where
// it has to be off.
func autoNo(field func(*Config) *bool) kind {
	onOff := yesNo(field)
	return kind{"auto or no", func(c *Config, text string) *Problem {
		if strings.EqualFold(text, "auto") {
			text = "yes"
		}
		if onOff.read(c, text) != nil {
			return refuse(text, "is neither auto nor no", "write auto or no")
		}
		return nil
	}}
}

// path is the absolute path of a file, because the working directory of a server
// depends on how it is started. Empty is none.
func path(field func(*Config) *string) kind {
	return kind{"file", func(c *Config, text string) *Problem {
		if text != "" && !strings.HasPrefix(text, "/") {
			return refuse(text, "is not an absolute path", "write a path that begins with /")
		}
		*field(c) = text
		return nil
	}}
}

// mode is the permissions of a file in octal.
func mode(field func(*Config) *fs.FileMode) kind {
	return kind{"mode", func(c *Config, text string) *Problem {
		n, err := strconv.ParseUint(text, 8, 32)
		if err != nil || n > 0o777 {
			return refuse(text, "is not a valid file mode", "write it in octal, for example 0660")
		}
		*field(c) = fs.FileMode(n)
		return nil
	}}
}

// networks is a list of networks and addresses, separated by commas or whitespace.
// Empty is none.
func networks(field func(*Config) *[]netip.Prefix) kind {
	return kind{"networks", func(c *Config, text string) *Problem {
		var all []netip.Prefix
		for _, word := range words(text) {
			n, err := parseNetwork(word)
			if err != nil {
				return refuse(word, "is not a valid network", "write comma-separated networks and addresses, for example 10.1.0.0/16, 192.0.2.7, fd00::/8")
			}
			all = append(all, n)
		}
		*field(c) = all
		return nil
	}}
}

// hosts is a list of host names, separated by commas or whitespace. Empty is none.
func hosts(field func(*Config) *[]string) kind {
	return kind{"host names", func(c *Config, text string) *Problem {
		var all []string
		for _, word := range words(text) {
			if !hostName.MatchString(word) {
				return refuse(word, "is not a host name", "write comma-separated names without port and path, for example pbx.example.org, dbsep")
			}
			all = append(all, strings.ToLower(word))
		}
		*field(c) = all
		return nil
	}}
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

// words splits a list at commas and whitespace.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(whitespace+",", r) })
}

// parseNetwork reads a network, or an address as a network with this address only.
func parseNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	n, err := netip.ParsePrefix(text)
	if err != nil || !n.Addr().Is4In6() {
		return n.Masked(), err
	}
	const mapped = 96 // bits before the IPv4 address
	if n.Bits() < mapped {
		return netip.Prefix{}, errors.New("more than the IPv4 addresses")
	}
	return netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-mapped).Masked(), nil
}

// optional allows an address to be empty.
const optional = true

// address is host:port or unix:/path.
func address(field func(*Config) *string, mayBeEmpty ...bool) kind {
	return kind{"address", func(c *Config, text string) *Problem {
		if text == "" && len(mayBeEmpty) > 0 {
			*field(c) = ""
			return nil
		}
		const example = "write host:port, for example 127.0.0.1:8000 or [::1]:8000, or unix: and a path, for example unix:/run/dbsep/dbsep.sock"
		if path, ok := strings.CutPrefix(text, "unix:"); ok {
			if !isSocketPath(path) {
				return refuse(text, "does not have the absolute path of a socket", example)
			}
			*field(c) = text
			return nil
		}
		host, port, err := net.SplitHostPort(text)
		if err != nil || strings.ContainsAny(host, "/ \t") {
			return refuse(text, "is not a valid address", example)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return refuse(text, "has no port from 1 to 65535", example)
		}
		*field(c) = text
		return nil
	}}
}

// socket is unix:/path, or empty.
func socket(field func(*Config) *string) kind {
	return kind{"socket", func(c *Config, text string) *Problem {
		if path, ok := strings.CutPrefix(text, "unix:"); text != "" && (!ok || !isSocketPath(path)) {
			return refuse(text, "is not a socket with an absolute path", "write unix: and a path, for example unix:/run/dbsep/cgi.sock; it has no host and port, since who can reach it can claim to be any user")
		}
		*field(c) = text
		return nil
	}}
}

// isSocketPath reports whether a path can be that of a socket.
func isSocketPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasSuffix(path, "/")
}

// refuse returns what is wrong with the value of a setting of a section. These
// values are not secret, so they are shown: quoted and shortened.
func refuse(text, wrong, hint string) *Problem {
	const maxShown = 60
	switch {
	case text == "":
		return &Problem{Text: "the value is empty", Hint: "remove the line to use the default, or " + hint}
	case len(text) > maxShown:
		text = text[:maxShown] + "..."
	}
	return &Problem{Text: fmt.Sprintf("%q %s", text, wrong), Hint: hint}
}

// choiceName lists the words of a choice in Markdown.
func choiceName(words []string) string {
	return "`" + strings.Join(slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" }), "`, `") + "`"
}

// either lists the words of a choice for a sentence.
func either(words []string) string {
	var named []string
	for _, w := range words {
		if w != "" {
			named = append(named, w)
		}
	}
	return strings.Join(named, " or ")
}
