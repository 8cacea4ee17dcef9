package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

// fileOptions are a file and how SQLite opens it.
type fileOptions struct {
	path     string
	readOnly bool
	options  url.Values // of SQLite's own URI, those worth keeping
}

// readDSN reads what DBD::SQLite read: "dbname=/path", "db=" and
// "database=" likewise, "uri=file:...", or the path alone.
func readDSN(o *database.OpenContext) fileOptions {
	path, isURI := o.Rest, false
	if given, found := dsn.Last(o.Options, "dbname"); found {
		path = given
	}
	if strings.Contains(o.Rest, "=") {
		for part := range strings.SplitSeq(o.Rest, ";") {
			switch name, value, _ := strings.Cut(part, "="); name {
			case "dbname", "db", "database":
				path = value
			case "uri":
				path, isURI = value, true
			default:
				if part != o.Rest {
					o.Warn("dsn", fmt.Sprintf("sets %q, which means nothing to SQLite", name), "remove it")
				}
			}
		}
	}
	file := fileOptions{path: path, options: url.Values{}}
	if strings.HasPrefix(path, "file:") {
		file = readURI(o, path)
	} else if isURI {
		o.Warn("dsn", "has a uri= that does not begin with file:", "write dbname= before a path")
	}
	for _, a := range o.Attributes {
		switch {
		case a.Name == "ReadOnly":
			file.readOnly = file.readOnly || dsn.IsTrue(a.Value)
		case a.Name == "sqlite_busy_timeout":
			o.Warn("dsn", "sets sqlite_busy_timeout, which the Perl script does not heed", "remove it")
		case !strings.HasPrefix(a.Name, "sqlite_"):
			o.Warn("dsn", fmt.Sprintf("sets the attribute %q, which dbsep does not know", a.Name), "remove it")
		}
	}
	for _, s := range o.Options { // of a translated DSN
		switch s.Name {
		case "sqlite_foreign_keys":
			file.options.Set("_foreign_keys", s.Value)
		case "busy_timeout":
			milliseconds, _ := strconv.Atoi(s.Value)
			o.BusyTimeout = cmp.Or(o.BusyTimeout, time.Duration(milliseconds)*time.Millisecond)
		}
	}
	if file.path == "" || file.path == ":memory:" {
		o.Refuse("dsn", "names no file, and a database in memory would be empty at each start", "write DBI:SQLite:dbname=/path/to/file")
		return file
	}
	if !filepath.IsAbs(file.path) {
		if abs, err := filepath.Abs(file.path); err == nil {
			file.path = abs
			o.Warn("dsn", fmt.Sprintf("names a file without its directory, which is now %s and another one when dbsep is started elsewhere", abs), "write the whole path")
		}
	}
	return file
}

// readURI reads a file: URI as sqlite.org/uri.html has it.
func readURI(o *database.OpenContext, uri string) fileOptions {
	const hint = "write uri=file:/path/to/file?mode=ro"
	text, _, _ := strings.Cut(strings.TrimPrefix(uri, "file:"), "#")
	text, query, _ := strings.Cut(text, "?")
	if rest, found := strings.CutPrefix(text, "//"); found {
		authority, path, _ := strings.Cut(rest, "/")
		if authority != "" && authority != "localhost" {
			o.Refuse("dsn", "has a file: URI with a host in it", hint)
		}
		text = "/" + path
	}
	path, err := url.PathUnescape(text)
	values, wrong := url.ParseQuery(query)
	if err != nil || wrong != nil {
		o.Refuse("dsn", "has a file: URI with a wrong % in it", hint)
		return fileOptions{path: "unreadable", options: url.Values{}}
	}
	file := fileOptions{path: path, options: url.Values{}}
	for name := range values {
		switch name {
		case "mode":
			file.readOnly = values.Get(name) == "ro"
			if values.Get(name) == "memory" {
				file.path = ""
			}
		case "immutable", "nolock", "psow", "vfs":
			file.options.Set(name, values.Get(name))
		}
	}
	return file
}

// uri is the name that the driver is given. Every byte of the path that means
// something in a URI is escaped. A file that is missing stays missing: SQLite
// may not create it.
func (f fileOptions) uri(wait time.Duration) string {
	options := url.Values{}
	for name, values := range f.options {
		options[name] = values
	}
	options.Set("mode", "rw")
	if f.readOnly {
		options.Set("mode", "ro")
	}
	options.Set("_busy_timeout", strconv.FormatInt(wait.Milliseconds(), 10))
	options.Set("_synchronous", "FULL") // as Perl's SQLite has it; the driver would choose NORMAL
	return "file:" + (&url.URL{Path: f.path}).EscapedPath() + "?" + options.Encode()
}

// checkFile refuses a path that is no file. DBD::SQLite made an empty
// database of it, and every table was missing. It reports whether it has made the file,
// which is only done where the source says so.
func checkFile(o *database.OpenContext, path string) (created bool) {
	if o.Failed() {
		return false
	}
	about, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && o.CreateFile:
		if err := makeFile(context.Background(), path); err != nil {
			o.Refuse("dsn", fmt.Sprintf("names the file %s, which cannot be made: %v", path, err), "make its directory, and let this account write there")
			return false
		}
		return true
	case errors.Is(err, os.ErrNotExist):
		o.Refuse("dsn", fmt.Sprintf("names the file %s, which does not exist", path), "correct the path, or make the file with its tables: dbsep schema create --create")
	case errors.Is(err, os.ErrPermission):
		o.Refuse("dsn", fmt.Sprintf("names the file %s, which may not be reached", path), "let the account that dbsep runs as enter each directory of the path")
	case err != nil:
		o.Refuse("dsn", "names a file that cannot be looked at", "correct the path")
	case !about.Mode().IsRegular():
		o.Refuse("dsn", fmt.Sprintf("names %s, which is no file", path), "write the path of the database file")
	case !readable(path):
		o.Refuse("dsn", fmt.Sprintf("names the file %s, which may not be read", path), readOnlyHint)
	}
	return false
}
