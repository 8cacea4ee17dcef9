package config

import (
	"cmp"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A Config is the content of a dbsep.conf, with the defaults of [Default].
type Config struct {
	File string // the name that was passed to Load or Parse

	// The keys of the Perl script, which can be in any section. Empty if the file
	// does not set them.
	DSN, User, Password, Schema string

	// Whether the file has the line: DBI_USER and DBI_PASS replace a missing line,
	// not an empty one.
	HasUser, HasPassword bool

	Server   Server
	Log      Log
	Database Database
	Limits   Limits
	Compat   Compat

	TableCompat []TableCompat  // [compat PATTERN]
	LastGood    []MaxAge       // [lastgood]: stale responses while the database is unavailable
	Cache       []MaxAge       // [cache]: cached responses at any time; 0 to share only concurrent requests
	Tables      []ClientRights // the sections [tables]; none: every client may read and write every table

	// Warnings are lines that the Perl script reads differently or that have no
	// effect, in the order of the file.
	Warnings []Problem

	lines     map[string]int    // key of a setting → the line that sets it
	variables map[string]string // key of a setting → the environment variable that sets it
	texts     map[string]string // key of a setting of a section → its value as written
}

// Server is the section [server]: where the server listens, and which clients may
// connect. CGI and FastCGI do not use it.
type Server struct {
	Listen   string         // host:port or unix:/path
	Allow    []netip.Prefix // none: every client
	Hosts    []string       // names of the server, in lower case, beside those of the machine itself
	Htpasswd string         // a file; empty: no password is required

	ProxyProtocol []netip.Prefix // the proxies that may send a PROXY header

	TLSCert, TLSKey string // files; both or none
	ClientCA        string // a file; empty: no certificate is required

	SocketMode  fs.FileMode // of a unix: socket
	SocketGroup string      // empty: the process's own

	CGIListen      string // unix:/path; empty: none
	CGISocketMode  fs.FileMode
	CGISocketGroup string // empty: the process's own

	StatusListen string // host:port or unix:/path; empty: Listen serves it
}

// Log is the section [log].
type Log struct {
	Level  string // "debug", "info", "warn" or "error"
	Format string // "text" or "json"
	Access bool   // a line for every request
	Slow   time.Duration
}

// Database is the section [database]: what the DSN does not say.
type Database struct {
	ReadReplicas   string        // servers for reads, comma-separated; empty: that of the DSN
	ServerPrepare  bool          // statements stay prepared on a PostgreSQL server
	MaxConnections int           // open at a time, at least 1
	ConnectTimeout time.Duration // for making one connection, its login included
	BusyTimeout    time.Duration // for waiting on another writer's lock (SQLite)
	LastGoodFile   string        // of the responses of [lastgood]; empty if there is no such section
	LastGoodBytes  int64         // of its responses
	CacheBytes     int64         // of the responses of [cache]
}

// Limits is the section [limits].
type Limits struct {
	MaxBodyBytes int64         // of one request
	BodyMemory   int64         // of the bodies of all requests
	MaxFields    int           // name=value pairs of one request
	MaxRows      int           // of a response
	MaxRowBytes  int64         // of one row
	Statement    time.Duration // for one statement

	PoolTimeout time.Duration // for a free connection to the database

	Header time.Duration // for the header of a request to arrive
	Read   time.Duration // for a whole request to arrive
	Write  time.Duration // for a client to take one chunk of a response
	Idle   time.Duration // between two requests of one connection
	Drain  time.Duration // for running requests when the server exits

	SlowReaderTimeout time.Duration // for a response to keep its connection to the database, waiting for its client
	ResponseMemory    int64         // of all responses

	MaxClients           int // connections open at a time
	MaxClientsPerAddress int // of them from one address
}

// Compat is the section [compat]: where the Perl script and the native drivers of
// Asterisk differ.
type Compat struct {
	Order          string // of the rows of multi: "" by the column of the first condition, "none", or a column
	Semicolons     string // "encode": as the native drivers, ^3B and ^5E; "raw": as the Perl script
	UnknownColumns string // "skip" or "fail"; "" skips them in an update and fails in a store
	StoreDuplicate string // "fail" or "replace"
	Require        string // "warn", "fail" or "alter"
	Strict         bool   // a write of a value that does not fit its column fails
}

// Default is the configuration of an empty file.
func Default() Config {
	var c Config
	for _, s := range table {
		if s.Section != "" {
			_ = s.value.read(&c, s.Default) // a default is valid, which a test checks
		}
	}
	return c
}

// Parse reads the text of a dbsep.conf. The name of the file is only used in
// messages. A variable of the environment takes the place of the line of its setting. If
// there are mistakes, the error is [Problems] with all of them; the Config then has what
// could be read, so that mistakes elsewhere can be reported, too, but it must not be used.
func Parse(file string, text []byte, environ ...string) (*Config, error) {
	p := newParser(text)
	c := Default()
	c.File = file
	c.lines, c.variables, c.texts = map[string]int{}, map[string]string{}, map[string]string{}
	p.readSettings(&c, p.readVariables(environ))
	c.Tables = p.clientRights()
	c.TableCompat = p.tableCompats(c.Compat)
	c.LastGood = p.maxAges(lastGoodSection, "24h, or 7d", time.Second)
	c.Cache = p.maxAges(cacheSection, "500ms, or 0 to share only requests that arrive at the same time", 0)
	p.checkTogether(&c)

	c.Warnings = c.inOrder(p.warnings)
	if len(p.mistakes) > 0 {
		return &c, c.inOrder(p.mistakes)
	}
	return &c, nil
}

// readSettings sets the fields of the settings that the environment or the file has.
func (p *parser) readSettings(c *Config, variables map[string]string) {
	values, err := readINI(p.lines)
	if err != nil {
		p.mistake(line{}, "", "the file cannot be read", "compare it with dbsep.conf.sample")
		return
	}
	for _, s := range table {
		at, inFile := p.lines[s.Key]
		text, inEnvironment := variables[s.Key]
		switch {
		case inEnvironment:
			at = line{}
			delete(p.lines, s.Key)
			c.variables[s.Key] = s.Variable()
		case inFile:
			text = values.Key(s.Key).Value()
			c.lines[s.Key] = at.number
			p.compareWithPerl(s, at)
		default:
			continue
		}
		if s.Section != "" { // the keys of the Perl script hold secrets
			c.texts[s.Key] = text
		}
		if problem := s.value.read(c, text); problem != nil {
			if inEnvironment {
				problem.Hint = strings.Replace(problem.Hint, "remove the line", "unset the variable", 1)
			}
			p.mistake(at, s.Key, problem.Text, problem.Hint)
		}
	}
}

// Line returns the line in which the file sets a key, or 0, so that a mistake that
// is found later, such as one in the DSN, can be reported with its line.
func (c *Config) Line(key string) int {
	return c.lines[strings.ToLower(key)]
}

// Variable returns the environment variable that sets a key in place of the file, or "".
func (c *Config) Variable(key string) string { return c.variables[strings.ToLower(key)] }

// ChangedByVariables reports whether environment variables set something that responses depend
// on. They do not depend on [server] and [log].
func (c *Config) ChangedByVariables() bool {
	return slices.ContainsFunc(table, func(s setting) bool {
		return c.variables[s.Key] != "" && s.Section != "server" && s.Section != "log"
	})
}

// Has reports whether the file or the environment sets a key.
func (c *Config) Has(key string) bool { return c.Line(key) > 0 || c.Variable(key) != "" }

// Problem returns a problem with the value of a key, with the place where it is set.
func (c *Config) Problem(key, text, hint string) Problem {
	if variable := c.Variable(key); variable != "" {
		return Problem{Key: variable, Text: text, Hint: hint}
	}
	return Problem{File: c.File, Line: c.Line(key), Key: key, Text: text, Hint: hint}
}

// Text returns a setting of a section as it is set, or its default. It does
// not return the keys of the Perl script: they hold secrets.
func (c *Config) Text(s Setting) string {
	if text, ok := c.texts[s.Key]; ok {
		return text
	}
	return s.Default
}

// inOrder sets the places of problems and sorts them by line.
func (c *Config) inOrder(problems Problems) Problems {
	for i, p := range problems {
		switch {
		case strings.HasPrefix(p.Key, variablePrefix): // of the environment
		case p.Line == 0 && p.Key != "":
			problems[i] = c.Problem(p.Key, p.Text, p.Hint)
		default:
			problems[i].File = c.File
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems
}
