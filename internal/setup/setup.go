package setup

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/cache"
	"dbsep/internal/config"
	"dbsep/internal/configfile"
	"dbsep/internal/database"
)

// ConfigFile returns the file that DBSEP_CONF names, or the usual one.
func ConfigFile() string { return configfile.Path() }

// A Loaded configuration has been read, and the database that it names is open.
type Loaded struct {
	Config  *config.Config // nil if the file cannot be read
	Version string         // of the file: see configfile; empty if the file alone does not decide about responses
	DB      *database.DB   // nil after an error
}

// Load reads a configuration, with the environment variables that take the place of its
// lines, and opens its database, without connecting to it. The error has every mistake,
// with its line or variable.
func Load(file string) (*Loaded, error) {
	return load(file, os.Environ(), func(*database.Source) {})
}

// LoadForWeb is Load for a program that a web server starts, and whose environment is a
// matter between the web server and its clients: no variable takes the place of a line.
func LoadForWeb(file string) (*Loaded, error) {
	return load(file, nil, func(*database.Source) {})
}

// LoadOnce is LoadForWeb for a process that serves one request.
func LoadOnce(file string) (*Loaded, error) {
	return load(file, nil, func(s *database.Source) { s.Once = true })
}

// LoadToAlter is Load for a process that changes tables, on the server that takes writes.
// createFile says that a SQLite file that does not exist is made.
func LoadToAlter(file string, createFile bool) (*Loaded, error) {
	return load(file, os.Environ(), func(s *database.Source) { s.ReadReplicas, s.CreateFile = "", createFile })
}

// LoadToRead is Load for a process that changes nothing in the database.
func LoadToRead(file string) (*Loaded, error) {
	return load(file, os.Environ(), func(s *database.Source) { s.ReadOnly = true })
}

func load(file string, environ []string, adjust func(*database.Source)) (*Loaded, error) {
	version, _ := configfile.Version(file) // before it is read: a later change makes another version
	c, err := loadConfig(file, environ)
	if c == nil {
		return &Loaded{}, err
	}
	var problems config.Problems
	if err != nil && !errors.As(err, &problems) {
		return &Loaded{Config: c}, err
	}
	source := Source(c)
	adjust(&source)
	db, err := database.Open(source)
	if err != nil {
		problems = append(problems, located(c, err)...)
	}
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b config.Problem) int { return cmp.Compare(a.Line, b.Line) })
		return &Loaded{Config: c}, problems
	}
	if c.ChangedByVariables() {
		version = ""
	}
	return &Loaded{c, version, db}, nil
}

// loadConfig reads a configuration. The usual file need not exist where a variable names
// the database; a file that somebody has named must.
func loadConfig(file string, environ []string) (*config.Config, error) {
	if configfile.IsUsual(file) {
		_, err := os.Stat(file)
		named := slices.ContainsFunc(environ, func(variable string) bool { return strings.HasPrefix(variable, "DBSEP_DSN=") })
		if named && errors.Is(err, fs.ErrNotExist) {
			return config.Parse(file, nil, environ...)
		}
	}
	return config.Load(file, environ...)
}

// Source is what a configuration says of its database. The environment is
// used for a line that the file does not have, as Perl's DBI did; a line that is
// empty says empty.
func Source(c *config.Config) database.Source {
	said := map[string]bool{"DBI_USER": c.HasUser, "DBI_PASS": c.HasPassword}
	s := database.Source{
		DSN:      c.DSN,
		User:     c.User,
		Password: c.Password,
		Schema:   c.Schema,
		Environ: func(variable string) string {
			if said[variable] {
				return ""
			}
			return os.Getenv(variable)
		},
		ReadReplicas:   c.Database.ReadReplicas,
		ServerPrepare:  c.Database.ServerPrepare,
		MaxConnections: c.Database.MaxConnections,
		MaxRowBytes:    c.Limits.MaxRowBytes,
		PoolTimeout:    c.Limits.PoolTimeout,
	}
	if c.Has("connect_timeout") { // the DSN may have one, too
		s.ConnectTimeout = c.Database.ConnectTimeout
	}
	if c.Has("busy_timeout") { // likewise
		s.BusyTimeout = c.Database.BusyTimeout
	}
	return s
}

// located gives the mistakes that a database found in its source the line of
// the file that they are in.
func located(c *config.Config, err error) (problems config.Problems) {
	for _, e := range Problems(err) {
		var p *database.Problem
		if !errors.As(e, &p) {
			p = &database.Problem{Key: "dsn", Text: e.Error()}
		}
		problems = append(problems, locate(c, *p))
	}
	return problems
}

func locate(c *config.Config, p database.Problem) config.Problem {
	return c.Problem(p.Key, p.Text, p.Hint)
}

// Problems returns the errors that are joined in one.
func Problems(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// Warnings are those of the configuration and those of the database.
func (l *Loaded) Warnings() []config.Problem {
	if l.Config == nil {
		return nil
	}
	all := l.Config.Warnings
	if l.DB == nil {
		return all
	}
	for _, p := range l.DB.Warnings() {
		all = append(all, locate(l.Config, p))
	}
	return all
}

// GatewayOptions are the settings of a gateway as configured.
func GatewayOptions(c *config.Config, log *slog.Logger) gateway.Options {
	return gateway.Options{
		Log:               log,
		Slow:              c.Log.Slow,
		TableOptions:      func(table string) gateway.TableOptions { return TableOptions(CompatOf(c, table).Compat) },
		MaxBodyBytes:      c.Limits.MaxBodyBytes,
		MaxFields:         c.Limits.MaxFields,
		MaxRows:           c.Limits.MaxRows,
		StatementTimeout:  c.Limits.Statement,
		WriteTimeout:      c.Limits.Write,
		LongReads:         max(1, c.Database.MaxConnections/2),
		LongReadWait:      c.Limits.PoolTimeout,
		SlowReaderTimeout: c.Limits.SlowReaderTimeout,
		BodyMemory:        gateway.NewByteBudget(c.Limits.BodyMemory),
		ResponseMemory:    gateway.NewByteBudget(c.Limits.ResponseMemory),
	}
}

// Alter runs a statement that changes a table of a database.
func Alter(db *database.DB) func(ctx context.Context, statement string) error {
	return func(ctx context.Context, statement string) error {
		_, err := db.Alter(ctx, false, []string{statement})
		return err
	}
}

// TableOptions are the options of a table with the settings of [compat].
func TableOptions(c config.Compat) gateway.TableOptions {
	return gateway.TableOptions{
		OrderBy:           c.Order,
		Unordered:         c.Order == "none",
		RawSemicolons:     c.Semicolons == "raw",
		UnknownColumns:    map[string]gateway.Policy{"skip": gateway.Skip, "fail": gateway.Fail}[c.UnknownColumns],
		ReplaceDuplicates: c.StoreDuplicate == "replace",
		Require:           map[string]gateway.RequirePolicy{"warn": gateway.WarnOfNarrow, "fail": gateway.FailNarrow, "alter": gateway.AddMissing}[c.Require],
		Lenient:           !c.Strict,
	}
}

// CompatOf returns the section [compat PATTERN] for a table, which is that of the pattern
// with the highest precedence, or [compat] itself, with an empty pattern.
func CompatOf(c *config.Config, table string) config.TableCompat {
	found, most := config.TableCompat{Compat: c.Compat}, -1
	for _, t := range c.TableCompat {
		if weight := gateway.Weight(t.Pattern); weight > most && gateway.Fits(table, t.Pattern) {
			found, most = t, weight
		}
	}
	return found
}

// CacheRules are the lines of [lastgood] or [cache].
func CacheRules(all []config.MaxAge) []cache.Rule {
	var rules []cache.Rule
	for _, a := range all {
		rules = append(rules, cache.Rule{Pattern: a.Pattern, Age: a.Age})
	}
	return rules
}

// AuthRules are what a configuration says of who may connect.
func AuthRules(c *config.Config) auth.Rules {
	return auth.Rules{Allow: c.Server.Allow, Hosts: c.Server.Hosts, Htpasswd: c.Server.Htpasswd, Tables: TableRights(c)}
}

// Admission is what a configuration says of the connections of clients.
func Admission(c *config.Config) auth.Admission {
	return auth.Admission{
		MaxClients:    c.Limits.MaxClients,
		MaxPerAddress: c.Limits.MaxClientsPerAddress,
		Allow:         c.Server.Allow,
		Proxies:       c.Server.ProxyProtocol,
		Proof:         c.Server.Htpasswd != "" || c.Server.ClientCA != "",
	}
}

// TableRights are what a configuration says of what clients may read and write.
func TableRights(c *config.Config) []auth.Ruling {
	var all []auth.Ruling
	for _, r := range c.Tables {
		rights := make([]auth.Right, len(r.Rights))
		for i, one := range r.Rights {
			rights[i] = auth.Right(one)
		}
		all = append(all, auth.Ruling{Kind: r.Kind, Name: r.Name, Rights: rights})
	}
	return all
}

// Close closes the database.
func (l *Loaded) Close() { _ = l.DB.Close() }
