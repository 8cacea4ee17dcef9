package dsn

import (
	"fmt"
	"path/filepath"
	"strings"
)

// An odbcSource is a data source of ODBC: what the DSN, dbuser, dbpass and
// odbc.ini say of it together.
type odbcSource struct {
	user, password string // dbuser and dbpass
	environ        func(string) string

	text        string    // the connection string, with dbuser and dbpass where it names no account
	given       []Setting // in it
	stored      []Setting // in odbc.ini
	driver      string    // as it is named
	library     string    // the driver's file
	description string    // of the driver, in odbcinst.ini
}

// read reads the part of a DSN after "DBI:ODBC:" as DBD::ODBC and unixODBC
// do: a data source's name alone, or a connection string. (Tried with DBD::ODBC
// 1.61, unixODBC 2.3.11 and the drivers of Debian 12.)
func (s *odbcSource) read(d *Diagnostics, rest string) {
	folded := strings.ToLower(rest)
	switch {
	case strings.Contains(folded, "dsn=") || strings.Contains(folded, "driver="):
		s.split(d, rest)
	case strings.ContainsAny(rest, ";="):
		d.Refuse("dsn", "has settings of ODBC but neither DSN= nor Driver=, without which Perl takes all of it for a name", "write DBI:ODBC:DSN=name;KEY=value or DBI:ODBC:Driver=name;KEY=value")
	default:
		s.add("DSN", strings.TrimSpace(rest))
	}
	if d.Failed() {
		return
	}
	s.addAccount()
	s.find(d)
}

// split takes a connection string apart. A value in braces may hold anything; a
// closing brace in it is doubled.
func (s *odbcSource) split(d *Diagnostics, text string) {
	for text != "" {
		name, rest, set := strings.Cut(text, "=")
		if end := strings.IndexByte(name, ';'); end >= 0 && strings.TrimSpace(name[:end]) == "" {
			text = text[end+1:]
			continue
		}
		name = strings.TrimSpace(name)
		if !set && name == "" {
			return
		}
		// What is no name may be a part of a password: it stays untold.
		if !set || !IsOptionName(strings.ReplaceAll(name, "-", "_")) {
			d.Refuse("dsn", "holds something that is no KEY=value of ODBC", "write KEY=value;KEY=value, and a value that holds a ; in braces: {a;b}")
			return
		}
		value, rest, closed := cutODBCValue(rest)
		if !closed {
			d.Refuse("dsn", fmt.Sprintf("sets %s to a value in braces that do not end as they should", name), "write {value};, and } within it twice")
			return
		}
		s.given = append(s.given, Setting{name, value})
		text = rest
	}
}

// cutODBCValue takes a value off the front of a connection string.
func cutODBCValue(text string) (value, rest string, closed bool) {
	text = strings.TrimLeft(text, " \t")
	if !strings.HasPrefix(text, "{") {
		value, rest, _ = strings.Cut(text, ";")
		return strings.TrimRight(value, " \t"), rest, true
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != '}' {
			b.WriteByte(text[i])
			continue
		}
		if !strings.HasPrefix(text[i+1:], "}") {
			after, rest, _ := strings.Cut(text[i+1:], ";")
			return b.String(), rest, strings.TrimSpace(after) == ""
		}
		b.WriteByte('}')
		i++
	}
	return "", "", false
}

// addAccount adds dbuser and dbpass behind everything else, as DBD::ODBC does
// where the string has neither UID nor PWD.
func (s *odbcSource) addAccount() {
	_, hasUser := Last(s.given, "UID")
	_, hasPassword := Last(s.given, "PWD")
	if hasUser || hasPassword {
		return
	}
	if s.user != "" {
		s.add("UID", s.user)
	}
	if s.password != "" {
		s.add("PWD", s.password)
	}
}

// add adds a setting to the connection string.
func (s *odbcSource) add(name, value string) {
	s.given = append(s.given, Setting{name, value})
	if name == "DSN" {
		s.text = ""
	}
	s.text += ";" + name + "=" + odbcValue(value)
}

// find looks the data source and its driver up in unixODBC's files.
func (s *odbcSource) find(d *Diagnostics) {
	system := s.environ("ODBCSYSINI")
	if system == "" {
		system = "/etc"
	}
	name, named := Last(s.given, "DSN")
	var direct bool
	s.driver, direct = Last(s.given, "Driver")
	switch {
	case named && direct:
		d.Refuse("dsn", "has both DSN= and Driver=, of which only one counts", "keep one of them")
		return
	case named:
		s.findName(d, name, system)
	}
	if d.Failed() {
		return
	}
	if s.driver == "" {
		d.Refuse("dsn", "leads to no driver of ODBC", "name one with Driver=, in the DSN or in odbc.ini")
		return
	}
	s.findDriver(system)
}

// findName reads a data source. One of the account's own file hides the one of
// all accounts.
func (s *odbcSource) findName(d *Diagnostics, name, system string) {
	own := s.environ("ODBCINI")
	if own == "" {
		own = InHome(s.environ, ".odbc.ini")
	}
	all := filepath.Join(system, "odbc.ini")
	if name == "" {
		name = "default"
	}
	for _, file := range []string{own, all} {
		if settings, found := iniSection(file, name); found {
			s.stored = settings
			s.driver, _ = Last(settings, "Driver")
			return
		}
	}
	d.Refuse("dsn", fmt.Sprintf("names the data source %q, which neither %s nor %s has", name, own, all),
		"add ["+name+"] to one of them, readable for the account that dbsep runs as")
}

// findDriver looks a driver up by its name. A name that is no driver's may be a
// library's.
func (s *odbcSource) findDriver(system string) {
	s.library = s.driver
	if strings.Contains(s.driver, "/") {
		return
	}
	file := s.environ("ODBCINSTINI") // a name in the same directory, unixODBC takes no path
	if file == "" {
		file = "odbcinst.ini"
	}
	settings, _ := iniSection(filepath.Join(system, file), s.driver)
	s.description, _ = Last(settings, "Description")
	for _, key := range [...]string{"Driver", "Driver64"} {
		if library, set := Last(settings, key); set && library != "" {
			s.library = library
		}
	}
}

// iniSection reads a section of odbc.ini or odbcinst.ini; a file that cannot be
// read has none. Names count in any case, and of two that are the same, as of
// two sections, the first. Nothing in a line is a comment or a quote.
func iniSection(file, name string) (settings []Setting, found bool) {
	text, err := ReadFile(file)
	if err != nil {
		return nil, false
	}
	for l := range Lines(text, ";#") {
		inside := strings.EqualFold(l.Section, name)
		switch {
		case found && (!inside || l.Text == ""):
			return settings, true
		case !inside:
			continue
		}
		found = true
		key, value, set := l.Setting()
		if _, taken := Last(settings, key); set && !taken {
			settings = append(settings, Setting{key, value})
		}
	}
	return settings, found
}

// odbcValue spells a value for a connection string. Not every driver reads
// braces, so there are none where none are needed.
func odbcValue(value string) string {
	if strings.ContainsAny(value, ";{}") || value != strings.TrimSpace(value) {
		return "{" + strings.ReplaceAll(value, "}", "}}") + "}"
	}
	return value
}
