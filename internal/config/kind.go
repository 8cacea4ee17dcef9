package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A kind is how the text of a value is read.
type kind struct {
	name string
	// read sets a field, or returns why the text is not a value of this kind: a
	// Problem that has only Text and Remedy.
	read func(c *Config, text string) *Problem
}

// text is any text, unchanged.
func text(name string, set func(c *Config, text string)) kind {
	return kind{name, func(c *Config, text string) *Problem {
		set(c, text)
		return nil
	}}
}

// duration takes what time.ParseDuration does, and a bare number as seconds.
// Zero is refused: no wait is endless, and none is so short that all fails.
func duration(place func(*Config) *time.Duration) kind {
	const least, most = time.Millisecond, 24 * time.Hour
	return kind{"duration", func(c *Config, text string) *Problem {
		d, err := time.ParseDuration(text)
		if seconds, bare := strconv.ParseUint(text, 10, 32); bare == nil {
			d, err = time.Duration(seconds)*time.Second, nil
		}
		if err != nil {
			return refuse(text, "is no duration", "give a number and a unit, ms, s, m or h, for example 10s; a number alone counts seconds")
		}
		if d < least || d > most {
			return refuse(text, "is out of range", "give 1ms to 24h, for example 10s")
		}
		*place(c) = d
		return nil
	}}
}

// size takes a number of bytes, with K, M or G for powers of 1024.
func size(place func(*Config) *int64) kind {
	const least, most = 1 << 10, 1 << 30
	return kind{"size", func(c *Config, text string) *Problem {
		number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
		shift := 0
		for i, unit := range []string{"K", "M", "G"} {
			if trimmed, found := strings.CutSuffix(number, unit); found {
				number, shift = strings.TrimRight(trimmed, blanks), 10*(i+1)
				break
			}
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return refuse(text, "is no size", "give a number of bytes, or one with K, M or G, for example 4M")
		}
		if n <<= shift; n < least || n > most {
			return refuse(text, "is out of range", "give 1K to 1G, for example 4M")
		}
		*place(c) = int64(n)
		return nil
	}}
}

// count takes a number from 1 up to most.
func count(most int, place func(*Config) *int) kind {
	name := "number"
	if most < 1<<30 {
		name = fmt.Sprintf("number, at most %d", most)
	}
	return kind{name, func(c *Config, text string) *Problem {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return refuse(text, "is no number in range", fmt.Sprintf("give a whole number from 1 to %d", most))
		}
		*place(c) = n
		return nil
	}}
}

// choice takes one of some words, in any case. The empty word may be one.
func choice(place func(*Config) *string, words ...string) kind {
	return kind{choiceName(words), func(c *Config, text string) *Problem {
		for _, w := range words {
			if strings.EqualFold(text, w) {
				*place(c) = w
				return nil
			}
		}
		remedy := "give " + either(words)
		if w := near(strings.ToLower(text), words); w != "" {
			remedy = "did you mean " + w + "? " + remedy
		}
		return refuse(text, "is no choice here", remedy)
	}}
}

// yesNo takes the words that people use for a truth value.
func yesNo(place func(*Config) *bool) kind {
	return kind{"yes or no", func(c *Config, text string) *Problem {
		switch strings.ToLower(text) {
		case "yes", "on", "true", "1":
			*place(c) = true
		case "no", "off", "false", "0":
			*place(c) = false
		default:
			return refuse(text, "is neither yes nor no", "give yes or no")
		}
		return nil
	}}
}

// path takes the name of a file, which must be a full one: a server's working
// directory is nobody's choice. Empty is none.
func path(place func(*Config) *string) kind {
	return kind{"file", func(c *Config, text string) *Problem {
		if text != "" && !strings.HasPrefix(text, "/") {
			return refuse(text, "is no full path", "give a path that begins with /")
		}
		*place(c) = text
		return nil
	}}
}

// mode takes the permissions of a file in octal.
func mode(place func(*Config) *fs.FileMode) kind {
	return kind{"mode", func(c *Config, text string) *Problem {
		n, err := strconv.ParseUint(text, 8, 32)
		if err != nil || n > 0o777 {
			return refuse(text, "is no file mode", "give it in octal, for example 0660")
		}
		*place(c) = fs.FileMode(n)
		return nil
	}}
}

// networks takes networks and addresses with commas or blanks between. Empty is
// none.
func networks(place func(*Config) *[]netip.Prefix) kind {
	return kind{"networks", func(c *Config, text string) *Problem {
		var all []netip.Prefix
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(blanks+",", r) }) {
			n, err := network(word)
			if err != nil {
				return refuse(word, "is no network", "give networks and addresses with commas between, for example 10.1.0.0/16, 192.0.2.7, fd00::/8")
			}
			all = append(all, n)
		}
		*place(c) = all
		return nil
	}}
}

// network reads a network, or an address as the network of itself.
func network(text string) (netip.Prefix, error) {
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
	const mapped = 96 // bits that say that the rest is an IPv4 address
	if n.Bits() < mapped {
		return netip.Prefix{}, errors.New("a part of the IPv4 addresses only by their IPv6 form")
	}
	return netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-mapped).Masked(), nil
}

// optional says of an address that none is one too.
const optional = true

// address takes host:port or unix:/path.
func address(place func(*Config) *string, mayBeEmpty ...bool) kind {
	return kind{"address", func(c *Config, text string) *Problem {
		if text == "" && len(mayBeEmpty) > 0 {
			*place(c) = ""
			return nil
		}
		const example = "give host:port, for example 127.0.0.1:8000 or [::1]:8000, or unix: and a path, for example unix:/run/dbsep/dbsep.sock"
		if path, ok := strings.CutPrefix(text, "unix:"); ok {
			if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") {
				return refuse(text, "does not name a socket by its full path", example)
			}
			*place(c) = text
			return nil
		}
		host, port, err := net.SplitHostPort(text)
		if err != nil || strings.ContainsAny(host, "/ \t") {
			return refuse(text, "is no address", example)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return refuse(text, "has no port from 1 to 65535", example)
		}
		*place(c) = text
		return nil
	}}
}

// refuse tells what is wrong with the value of a setting of our own. Those
// hold no secrets, so it may be shown: quoted, and not at any length.
func refuse(text, wrong, remedy string) *Problem {
	const enough = 60
	switch {
	case text == "":
		return &Problem{Text: "the value is empty", Remedy: "remove the line to have the default, or " + remedy}
	case len(text) > enough:
		text = text[:enough] + "..."
	}
	return &Problem{Text: fmt.Sprintf("%q %s", text, wrong), Remedy: remedy}
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
