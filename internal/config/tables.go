package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Ruling is a section of table rights: [tables] for everybody, or
// [tables user:NAME], [tables certificate:NAME] and [tables network:ADDRESS/BITS]
// for those clients instead.
type Ruling struct {
	Kind   string // "", "user", "certificate" or "network"
	Name   string // of the user or the certificate, or the network
	Rights []Right
}

// A Right is a line of a ruling: what may be done with the tables that a pattern
// names.
type Right struct {
	Pattern     string // a name in which * stands for any text
	Read, Write bool
	Columns     []string // that the client sees; none: all
}

// tablesSection is the first word of a ruling's header. The lines of the sections
// lastgood and cache are patterns, too.
const (
	tablesSection   = "tables"
	lastGoodSection = "lastgood"
	cacheSection    = "cache"
	compatSection   = "compat" // followed by the pattern; alone it is an ordinary section
)

// A TableCompat is a section [compat PATTERN]: what holds for the tables that the
// pattern names instead of what [compat] says.
type TableCompat struct {
	Pattern string // a name in which * stands for any text
	Strict  bool
}

// An Age is a line of [lastgood] or [cache]: for how long the answers from the
// tables that a pattern names may be given out again.
type Age struct {
	Pattern string // a name in which * stands for any text
	Most    time.Duration
}

// kinds of clients that a ruling can be for.
var rulingKinds = []string{"user", "certificate", "network"}

// ruled tells whether the lines of a section are patterns of tables.
func ruled(section string) bool {
	word, rest, _ := strings.Cut(section, " ")
	return word == tablesSection || section == lastGoodSection || section == cacheSection || word == compatSection && rest != ""
}

// tableCompats reads the sections [compat PATTERN].
func (a *arrangement) tableCompats() []TableCompat {
	var all []TableCompat
	for _, h := range a.ruled {
		word, pattern, _ := strings.Cut(h.section, " ")
		if word != compatSection {
			continue
		}
		t := TableCompat{Pattern: strings.Trim(pattern, blanks), Strict: true}
		twice := slices.ContainsFunc(all, func(o TableCompat) bool { return o.Pattern == t.Pattern })
		if twice {
			a.mistake(h.line, "", "a second section is for the same tables", "put the lines of both into one")
		}
		for _, l := range h.lines {
			switch {
			case l.name != "strict":
				a.mistake(l, printable(l.name), "no setting for some tables only", "[compat PATTERN] has strict alone")
			case strings.EqualFold(l.value, "no"):
				t.Strict = false
			case !strings.EqualFold(l.value, "yes"):
				a.mistake(l, l.name, "the value is neither yes nor no", "write strict=yes or strict=no")
			}
		}
		all = append(all, t)
	}
	return all
}

// ages reads the lines of [lastgood] or [cache].
func (a *arrangement) ages(section, example string, least time.Duration) []Age {
	var all []Age
	for _, h := range a.ruled {
		if h.section != section {
			continue
		}
		for _, l := range h.lines {
			d, ok := age(l.value)
			if l.broken || !ok || d < least || d > mostAge {
				a.mistake(l, "", "the line gives no duration", "write TABLE="+example)
				continue
			}
			all = append(all, Age{l.name, d})
		}
	}
	return all
}

// mostAge is the longest time for which an answer may be given out again.
const mostAge = 365 * 24 * time.Hour

// age reads a duration, of days too. A number alone counts seconds.
func age(text string) (time.Duration, bool) {
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil
	}
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// rulings reads the sections of table rights.
func (a *arrangement) rulings() []Ruling {
	var all []Ruling
	for _, h := range a.ruled {
		if word, _, _ := strings.Cut(h.section, " "); word != tablesSection {
			continue
		}
		kind, name, ok := a.ruling(h)
		if !ok {
			continue
		}
		i := slices.IndexFunc(all, func(r Ruling) bool { return r.Kind == kind && r.Name == name })
		if i < 0 {
			all = append(all, Ruling{Kind: kind, Name: name})
			i = len(all) - 1
		}
		for _, l := range h.lines {
			right, ok := a.right(l)
			twice := slices.ContainsFunc(all[i].Rights, func(r Right) bool { return r.Pattern == l.name })
			switch {
			case ok && twice:
				a.mistake(l, "", "the section gives two rights to the same tables", "remove one of the two lines")
			case ok:
				all[i].Rights = append(all[i].Rights, right)
			}
		}
		if !slices.ContainsFunc(all[i].Rights, func(r Right) bool { return r.Pattern == "*" }) {
			a.mistake(h.line, "", "the section says nothing of the tables that it does not name", "add *=none, *=read or *=write")
		}
	}
	return all
}

// ruling reads the header of a ruling.
func (a *arrangement) ruling(h ruledSection) (kind, name string, ok bool) {
	_, client, _ := strings.Cut(h.title, " ")
	client = strings.Trim(client, blanks)
	if client == "" {
		return "", "", true
	}
	kind, name, _ = strings.Cut(client, ":")
	kind, name = strings.ToLower(strings.Trim(kind, blanks)), strings.Trim(name, blanks)
	if !slices.Contains(rulingKinds, kind) || name == "" {
		a.mistake(h.line, "", "the header names no client",
			"write [tables] for everybody, or [tables user:NAME], [tables certificate:NAME] or [tables network:10.1.0.0/16]")
		return "", "", false
	}
	if kind == "network" {
		n, err := network(name)
		if err != nil {
			a.mistake(h.line, "", fmt.Sprintf("%q is no network", name), "write [tables network:10.1.0.0/16]")
			return "", "", false
		}
		name = n.String()
	}
	return kind, name, true
}

// right reads a line of a ruling: pattern = none, read or write, and after read
// or write the columns that the client sees.
func (a *arrangement) right(l line) (Right, bool) {
	words := strings.FieldsFunc(l.value, func(r rune) bool { return strings.ContainsRune(blanks+",:", r) })
	if l.broken || len(words) == 0 {
		a.mistake(l, "", "the line gives no right", "write TABLE=none, TABLE=read or TABLE=write")
		return Right{}, false
	}
	r := Right{Pattern: l.name, Columns: words[1:]}
	switch strings.ToLower(words[0]) {
	case "none":
		if len(r.Columns) > 0 {
			a.mistake(l, "", "none has no columns", "write TABLE=none, or TABLE=read and the columns")
			return Right{}, false
		}
	case "read":
		r.Read = true
	case "write":
		r.Read, r.Write = true, true
	default:
		a.mistake(l, "", fmt.Sprintf("%q is no right", printable(strings.ToLower(words[0]))),
			suggest(strings.ToLower(words[0]), []string{"none", "read", "write"}, "give none, read or write; write includes read"))
		return Right{}, false
	}
	return r, true
}

// agree looks at settings that make sense together only.
func (a *arrangement) agree(c *Config) {
	at := func(keys ...string) line {
		for _, k := range keys {
			if l, ok := a.counts[k]; ok {
				return l
			}
		}
		return line{}
	}
	s := &c.Server
	if (s.TLSCert == "") != (s.TLSKey == "") {
		a.mistake(at("tls_cert", "tls_key"), "", "a certificate and its key belong together", "set both tls_cert and tls_key, or none of them")
	}
	if s.ClientCA != "" && s.TLSCert == "" {
		a.mistake(at("client_ca"), "client_ca", "clients show certificates over TLS only", "set tls_cert and tls_key too")
	}
	for _, r := range c.Tables {
		switch {
		case r.Kind == "user" && s.Htpasswd == "":
			a.warn(line{}, "", "[tables user:"+r.Name+"] counts under a web server only, as long as htpasswd is not set", "set htpasswd in [server]")
		case r.Kind == "certificate" && s.ClientCA == "":
			a.warn(line{}, "", "[tables certificate:"+r.Name+"] counts under a web server only, as long as client_ca is not set", "set client_ca in [server]")
		}
	}
	if len(c.LastGood) > 0 && c.Database.LastGoodFile == "" {
		a.mistake(line{}, "", "[lastgood] has no file to keep answers in", "set lastgood_file in [database], for example lastgood_file=/var/lib/dbsep/lastgood")
	}
	c.Limits.MaxClientsPerAddress = min(c.Limits.MaxClientsPerAddress, c.Limits.MaxClients)
}
