package database

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A sqliteFile is a file and how SQLite is to open it.
type sqliteFile struct {
	path     string
	readOnly bool
	options  url.Values // of SQLite's own URI, those worth keeping
}

// readSQLiteDSN reads what DBD::SQLite read: "dbname=/path", "db=" and
// "database=" likewise, "uri=file:...", or the path alone.
func readSQLiteDSN(o *opening) sqliteFile {
	path, isURI := o.rest, false
	if given, found := last(o.attributes, "dbname"); found && o.through != "" {
		path = given
	}
	if strings.Contains(o.rest, "=") {
		for part := range strings.SplitSeq(o.rest, ";") {
			switch name, value, _ := strings.Cut(part, "="); name {
			case "dbname", "db", "database":
				path = value
			case "uri":
				path, isURI = value, true
			default:
				if part != o.rest {
					o.warn("dsn", fmt.Sprintf("sets %q, which means nothing to SQLite", name), "remove it")
				}
			}
		}
	}
	file := sqliteFile{path: path, options: url.Values{}}
	if strings.HasPrefix(path, "file:") {
		file = readSQLiteURI(o, path)
	} else if isURI {
		o.warn("dsn", "has a uri= that does not begin with file:", "write dbname= before a path")
	}
	for _, a := range o.attributes {
		switch {
		case a.name == "dbname" && o.through != "":
		case a.name == "ReadOnly":
			file.readOnly = file.readOnly || isTrue(a.value)
		case a.name == "sqlite_foreign_keys" && o.through != "":
			file.options.Set("_foreign_keys", a.value)
		case a.name == "sqlite_busy_timeout":
			o.warn("dsn", "sets sqlite_busy_timeout, which the Perl script does not heed", "remove it")
		case !strings.HasPrefix(a.name, "sqlite_"):
			o.warn("dsn", fmt.Sprintf("sets the attribute %q, which dbsep does not know", a.name), "remove it")
		}
	}
	if file.path == "" || file.path == ":memory:" {
		o.refuse("dsn", "names no file, and a database in memory would be empty at each start", "write DBI:SQLite:dbname=/path/to/file")
		return file
	}
	if !filepath.IsAbs(file.path) {
		if abs, err := filepath.Abs(file.path); err == nil {
			file.path = abs
			o.warn("dsn", fmt.Sprintf("names a file without its directory, which is now %s and another one when dbsep is started elsewhere", abs), "write the whole path")
		}
	}
	return file
}

// readSQLiteURI reads a file: URI as sqlite.org/uri.html has it.
func readSQLiteURI(o *opening, uri string) sqliteFile {
	const remedy = "write uri=file:/path/to/file?mode=ro"
	text, _, _ := strings.Cut(strings.TrimPrefix(uri, "file:"), "#")
	text, query, _ := strings.Cut(text, "?")
	if rest, found := strings.CutPrefix(text, "//"); found {
		authority, path, _ := strings.Cut(rest, "/")
		if authority != "" && authority != "localhost" {
			o.refuse("dsn", "has a file: URI with a host in it", remedy)
		}
		text = "/" + path
	}
	path, err := url.PathUnescape(text)
	values, wrong := url.ParseQuery(query)
	if err != nil || wrong != nil {
		o.refuse("dsn", "has a file: URI with a wrong % in it", remedy)
		return sqliteFile{path: "unreadable", options: url.Values{}}
	}
	file := sqliteFile{path: path, options: url.Values{}}
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
func (f sqliteFile) uri(wait time.Duration) string {
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

// checkSQLiteFile refuses a path that is no file. DBD::SQLite made an empty
// database of it, and every table was missing.
func checkSQLiteFile(o *opening, path string) {
	if len(o.problems) > 0 {
		return
	}
	about, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		o.refuse("dsn", fmt.Sprintf("names the file %s, which does not exist", path), "correct the path, or make the database with sqlite3; dbsep never makes one")
	case errors.Is(err, os.ErrPermission):
		o.refuse("dsn", fmt.Sprintf("names the file %s, which may not be reached", path), "let the account that dbsep runs as enter each directory of the path")
	case err != nil:
		o.refuse("dsn", "names a file that cannot be looked at", "correct the path")
	case !about.Mode().IsRegular():
		o.refuse("dsn", fmt.Sprintf("names %s, which is no file", path), "write the path of the database file")
	default:
		checkSQLiteReadable(o, path)
	}
}

func checkSQLiteReadable(o *opening, path string) {
	f, err := os.Open(path)
	if err != nil {
		o.refuse("dsn", fmt.Sprintf("names the file %s, which may not be read", path), sqliteReadOnlyRemedy)
		return
	}
	f.Close()
}
