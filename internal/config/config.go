package config

import (
	"cmp"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A Config is what one dbsep.conf says, with the defaults of [Default] where
// it says nothing.
type Config struct {
	File string // as it was named to Load or Parse

	// The keys of the Perl script. They stand anywhere in the file, as it knew
	// no sections. Empty where the file does not set them.
	DSN, User, Password, Schema string

	// Whether the file has the line at all: DBI_USER and DBI_PASS stand in for
	// a missing one, not for an empty one.
	HasUser, HasPassword bool

	Server   Server
	Log      Log
	Database Database
	Limits   Limits
	Compat   Compat

	TableCompat []TableCompat // for some tables instead of Compat
	LastGood    []Age         // [lastgood]: while the database cannot answer; none: never
	Cache       []Age         // [cache]: at any time, 0 to share questions that come at the same time; none: never
	Tables      []Ruling      // the sections [tables]; none: everybody may read and write every table

	// Warnings tells, in the order of the lines, where the Perl script would
	// have read something else and which lines have no effect.
	Warnings []Problem

	lines map[string]int    // key of a setting → the line that sets it
	texts map[string]string // key of a setting of a section → its value as written
}

// Server is the section [server]: where dbsep answers by itself, and whom. CGI
// and FastCGI have no use for it, there the web server decides.
type Server struct {
	Listen   string         // host:port or unix:/path
	Allow    []netip.Prefix // none: every address
	Htpasswd string         // a file; empty: no password is asked for

	ProxyProtocol []netip.Prefix // the proxies that may send a PROXY header

	TLSCert, TLSKey string // files; both or none
	ClientCA        string // a file; empty: no certificate is asked for

	SocketMode  fs.FileMode // of a unix: socket
	SocketGroup string      // empty: the process's own

	StatusListen string // host:port or unix:/path; empty: Listen answers for it
}

// Log is the section [log].
type Log struct {
	Level  string // "debug", "info", "warn" or "error"
	Format string // "text" or "json"
	Access bool   // a line for every request
	Slow   time.Duration
}

// Database is the section [database]: how dbsep deals with any kind of
// database. Where the database is, the DSN tells.
type Database struct {
	ReadReplicas   string        // servers for reads, comma-separated; empty: that of the DSN
	ServerPrepare  bool          // statements stay prepared on a PostgreSQL server
	MaxConnections int           // open at a time, at least 1
	ConnectTimeout time.Duration // for making one connection, its login included
	BusyTimeout    time.Duration // for waiting on another writer's lock (SQLite)
	LastGoodFile   string        // of the answers of [lastgood]; empty where there are none
	LastGoodBytes  int64         // of its answers
	CacheBytes     int64         // of the answers of [cache]
}

// Limits is the section [limits]: everything that a client could otherwise
// make endless.
type Limits struct {
	MaxBodyBytes int64         // of one request
	MaxFields    int           // name=value pairs of one request
	MaxRows      int           // of a response
	Statement    time.Duration // for one statement

	PoolTimeout time.Duration // for a free connection to the database

	Header time.Duration // for the header of a request to arrive
	Read   time.Duration // for a whole request to arrive
	Write  time.Duration // for a client to take one chunk of a response
	Idle   time.Duration // between two requests of one connection
	Drain  time.Duration // for requests in flight when the server ends

	SlowReaderTimeout time.Duration // for a response to keep its connection to the database, waiting for its client
	ResponseMemory    int64         // bytes that wait in memory for slow clients

	MaxClients           int // connections open at a time
	MaxClientsPerAddress int // of them from one address
}

// Compat is the section [compat]: where the Perl script and the native drivers
// of Asterisk disagree, and a site has to choose.
type Compat struct {
	Semicolons     string // "encode": as the native drivers, ^3B and ^5E; "raw": as the Perl script
	UnknownColumns string // "skip" or "fail"; "" skips them in an update and fails a store
	StoreDuplicate string // "fail" or "replace"
	Strict         bool   // values that do not fit their columns are refused
}

// Default is the configuration of an empty file.
func Default() Config {
	var c Config
	for _, s := range table {
		if s.Section != "" {
			_ = s.read(&c, s.Default) // a default has no mistake; a test sees to it
		}
	}
	return c
}

// Parse reads the text of a dbsep.conf. The name of the file only serves its
// messages. When there are mistakes, the error is [Problems] and names every
// one of them. The Config then holds what could be read: enough to look for
// mistakes elsewhere too, and tell all at once, but not to work with.
func Parse(file string, text []byte) (*Config, error) {
	a := arrange(text)
	values, err := literal(a.placed)
	if err != nil {
		a.mistake(line{}, "", "the file cannot be read", "compare it with dbsep.conf.sample")
	}

	c := Default()
	c.File = file
	c.lines, c.texts = map[string]int{}, map[string]string{}
	for _, s := range table {
		at, ok := a.counts[s.Key]
		if !ok || err != nil {
			continue
		}
		c.lines[s.Key] = at.number
		text := values.Section(s.Section).Key(s.Key).Value()
		if s.Section != "" { // the Perl script's hold secrets
			c.texts[s.Key] = text
		}
		if p := s.read(&c, text); p != nil {
			a.mistake(at, s.Key, p.Text, p.Remedy)
		}
		a.compare(s, at)
	}
	c.Tables = a.rulings()
	c.TableCompat = a.tableCompats()
	c.LastGood = a.ages(lastGoodSection, "24h, or 7d", time.Second)
	c.Cache = a.ages(cacheSection, "500ms, or 0 to share only questions that come at the same time", 0)
	a.agree(&c)

	c.Warnings = inOrder(a.warnings, file)
	if len(a.mistakes) > 0 {
		return &c, inOrder(a.mistakes, file)
	}
	return &c, nil
}

// Line tells in which line the file sets a key, 0 if nowhere, so that a
// mistake that only shows later (in a DSN, say) can be reported where it
// stands.
func (c *Config) Line(key string) int {
	return c.lines[strings.ToLower(key)]
}

// Text returns a setting of a section as the file has it, or its default. The
// Perl script's keys are not given out: they hold secrets.
func (c *Config) Text(s Setting) string {
	if text, ok := c.texts[s.Key]; ok {
		return text
	}
	return s.Default
}

// inOrder gives problems their file and sorts them by line, keeping the order
// of those of one line.
func inOrder(problems Problems, file string) Problems {
	for i := range problems {
		problems[i].File = file
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems
}
