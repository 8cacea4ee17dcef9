package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ClientRights is a section of table rights: [tables] for all clients, or
// [tables user:NAME], [tables certificate:NAME] or [tables network:ADDRESS/BITS],
// which replaces it for those clients.
type ClientRights struct {
	Kind   string // "", "user", "certificate" or "network"
	Name   string // of the user or the certificate, or the network
	Rights []Right
}

// A Right is a line of such a section: what clients may do with some tables.
type Right struct {
	Pattern     string // a name in which * matches any text
	Read, Write bool
	Columns     []string // that the client can see; none: all
}

// The sections about tables. In [compat PATTERN] the name of a line is that of a
// setting, as in [compat], and not a table.
const (
	tablesSection   = "tables"
	lastGoodSection = "lastgood"
	cacheSection    = "cache"
	compatSection   = "compat"
)

// A TableCompat is a section [compat PATTERN]: [compat] for some tables. What it does
// not set is as in [compat].
type TableCompat struct {
	Pattern string // a name in which * matches any text
	Compat

	lines map[string]int    // key of a setting that it sets → its line
	texts map[string]string // likewise, its value as written
}

// Line returns the line in which the section sets a key, or 0.
func (t TableCompat) Line(key string) int { return t.lines[key] }

// Text returns a setting that the section sets, as written.
func (t TableCompat) Text(key string) string { return t.texts[key] }

// A MaxAge is a line of [lastgood] or [cache]: the maximum age of the responses of
// some tables.
type MaxAge struct {
	Pattern string // a name in which * matches any text
	Age     time.Duration
}

// clientKinds are the clients that can have a section of rights.
var clientKinds = []string{"user", "certificate", "network"}

// isTableSection reports whether the lines of a section are about tables.
func isTableSection(section string) bool {
	first, rest := cutSection(section)
	return first == tablesSection || section == lastGoodSection || section == cacheSection || first == compatSection && rest != ""
}

// tableCompats reads the sections [compat PATTERN].
func (p *parser) tableCompats(common Compat) []TableCompat {
	var all []TableCompat
	for _, section := range p.sections {
		first, pattern := cutSection(section.section)
		if first != compatSection {
			continue
		}
		switch {
		case slices.ContainsFunc(all, func(o TableCompat) bool { return o.Pattern == pattern }):
			p.mistake(section.line, "", "a second section is for the same tables", "put the lines of both into one")
		case strings.Contains(pattern, ","):
			p.mistake(section.line, "", "the header names several tables", "write a section for each, or one for a pattern, such as [compat cdr*]")
		}
		all = append(all, p.tableCompat(section, TableCompat{Pattern: pattern, Compat: common, lines: map[string]int{}, texts: map[string]string{}}))
	}
	return all
}

// tableCompat reads the lines of a section [compat PATTERN].
func (p *parser) tableCompat(section tableSection, t TableCompat) TableCompat {
	own := Config{Compat: t.Compat}
	for _, l := range section.lines {
		s := find(l.name)
		switch {
		case l.broken:
			p.mistake(l, "", "the line is neither name=value nor a comment", "write name=value, or # before a comment")
			continue
		case s == nil || s.Section != compatSection:
			p.mistake(l, printable(l.name), "[compat PATTERN] has no such setting",
				suggest(l.name, settingsOf(compatSection), "it has "+strings.Join(settingsOf(compatSection), ", ")))
			continue
		case t.lines[s.Key] > 0:
			p.warn(line{number: t.lines[s.Key]}, s.Key, fmt.Sprintf("line %d sets it again, so this line has no effect", l.number), "remove one of the two")
		}
		if problem := s.value.read(&own, l.value); problem != nil {
			p.mistake(l, s.Key, problem.Text, problem.Hint)
		}
		t.lines[s.Key], t.texts[s.Key] = l.number, l.value
	}
	t.Compat = own.Compat
	return t
}

// maxAges reads the lines of [lastgood] or [cache].
func (p *parser) maxAges(name, example string, minimum time.Duration) []MaxAge {
	var all []MaxAge
	for _, section := range p.sections {
		if section.section != name {
			continue
		}
		for _, l := range section.lines {
			d, ok := parseAge(l.value)
			if l.broken || !ok || d < minimum || d > maximumAge {
				p.mistake(l, "", "not a valid duration", "write TABLE="+example)
				continue
			}
			all = append(all, MaxAge{l.name, d})
		}
	}
	return all
}

// maximumAge is the longest age that a response may have.
const maximumAge = 365 * 24 * time.Hour

// parseAge reads a duration, which can be in days. A number alone is in seconds.
func parseAge(text string) (time.Duration, bool) {
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

// clientRights reads the sections of table rights.
func (p *parser) clientRights() []ClientRights {
	var all []ClientRights
	for _, section := range p.sections {
		if first, _ := cutSection(section.section); first != tablesSection {
			continue
		}
		kind, name, ok := p.client(section)
		if !ok {
			continue
		}
		i := slices.IndexFunc(all, func(r ClientRights) bool { return r.Kind == kind && r.Name == name })
		if i < 0 {
			all = append(all, ClientRights{Kind: kind, Name: name})
			i = len(all) - 1
		}
		for _, l := range section.lines {
			right, ok := p.right(l)
			twice := slices.ContainsFunc(all[i].Rights, func(r Right) bool { return r.Pattern == l.name })
			switch {
			case ok && twice:
				p.mistake(l, "", "a second line of the section is for the same tables", "remove one of the two lines")
			case ok:
				all[i].Rights = append(all[i].Rights, right)
			}
		}
		if !slices.ContainsFunc(all[i].Rights, func(r Right) bool { return r.Pattern == "*" }) {
			p.mistake(section.line, "", "the section has no line for all other tables", "add *=none, *=read or *=write")
		}
	}
	return all
}

// client reads the header of a section of table rights.
func (p *parser) client(section tableSection) (kind, name string, ok bool) {
	_, client := cutSection(section.title)
	if client == "" {
		return "", "", true
	}
	kind, name, _ = strings.Cut(client, ":")
	kind, name = strings.ToLower(strings.Trim(kind, whitespace)), strings.Trim(name, whitespace)
	if !slices.Contains(clientKinds, kind) || name == "" {
		p.mistake(section.line, "", "the header names no client",
			"write [tables] for all clients, or [tables user:NAME], [tables certificate:NAME] or [tables network:10.1.0.0/16]")
		return "", "", false
	}
	if kind == "network" {
		n, err := parseNetwork(name)
		if err != nil {
			p.mistake(section.line, "", fmt.Sprintf("%q is not a valid network", name), "write [tables network:10.1.0.0/16]")
			return "", "", false
		}
		name = n.String()
	}
	return kind, name, true
}

// right reads a line of table rights: pattern = none, read or write, and after read
// or write the columns that the client can see.
func (p *parser) right(l line) (Right, bool) {
	words := strings.FieldsFunc(l.value, func(r rune) bool { return strings.ContainsRune(whitespace+",:", r) })
	if l.broken || len(words) == 0 {
		p.mistake(l, "", "the line has no right", "write TABLE=none, TABLE=read or TABLE=write")
		return Right{}, false
	}
	r := Right{Pattern: l.name, Columns: words[1:]}
	switch word := strings.ToLower(words[0]); word {
	case "none":
		if len(r.Columns) > 0 {
			p.mistake(l, "", "columns cannot follow none", "write TABLE=none, or TABLE=read and the columns")
			return Right{}, false
		}
	case "read":
		r.Read = true
	case "write":
		r.Read, r.Write = true, true
	default:
		p.mistake(l, "", fmt.Sprintf("%q is not a valid right", printable(word)),
			suggest(word, []string{"none", "read", "write"}, "write none, read or write; write includes read"))
		return Right{}, false
	}
	return r, true
}

// checkTogether checks settings that depend on each other.
func (p *parser) checkTogether(c *Config) {
	at := func(keys ...string) line {
		for _, k := range keys {
			if l, ok := p.lines[k]; ok {
				return l
			}
		}
		return line{}
	}
	s := &c.Server
	if (s.TLSCert == "") != (s.TLSKey == "") {
		p.mistake(at("tls_cert", "tls_key"), "", "a certificate needs its key", "set both tls_cert and tls_key, or none of them")
	}
	if s.ClientCA != "" && s.TLSCert == "" {
		p.mistake(at("client_ca"), "client_ca", "client certificates need TLS", "set tls_cert and tls_key, too")
	}
	if s.CGISocketMode&0o002 != 0 {
		p.warn(at("cgi_socket_mode"), "cgi_socket_mode", "every account of this machine may write to the socket of cgi_listen, and so claim to be any user", "set cgi_socket_mode=0660, and cgi_socket_group to the group of the web server")
	}
	for _, r := range c.Tables {
		switch {
		case r.Kind == "user" && s.Htpasswd == "":
			p.warn(line{}, "", "[tables user:"+r.Name+"] only has an effect under a web server, because htpasswd is not set", "set htpasswd in [server]")
		case r.Kind == "certificate" && s.ClientCA == "":
			p.warn(line{}, "", "[tables certificate:"+r.Name+"] only has an effect under a web server, because client_ca is not set", "set client_ca in [server]")
		}
	}
	if len(c.LastGood) > 0 && c.Database.LastGoodFile == "" {
		p.mistake(line{}, "", "[lastgood] has no file for its responses", "set lastgood_file in [database], for example lastgood_file=/var/lib/dbsep/lastgood")
	}
	// As often as the gateway counts a body and a row.
	if l := c.Limits; l.BodyMemory < 3*l.MaxBodyBytes {
		p.warn(at("body_memory", "max_body_bytes"), "", "a body of max_body_bytes does not fit into body_memory", "set body_memory to three times max_body_bytes")
	}
	if l := c.Limits; l.ResponseMemory < 6*l.MaxRowBytes {
		p.warn(at("response_memory", "max_row_bytes"), "", "a row of max_row_bytes may not fit into response_memory", "set response_memory to six times max_row_bytes")
	}
	c.Limits.MaxClientsPerAddress = min(c.Limits.MaxClientsPerAddress, c.Limits.MaxClients)
}
