package mysql

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

// optionFiles are the C library's own, read where a DSN names a group and no
// file. A later file wins.
var optionFiles = [...]string{"/etc/my.cnf", "/etc/mysql/my.cnf"}

// maxIncludes limits how deep option files may include each other.
const maxIncludes = 4

// readFiles completes the options from my.cnf: only what the DSN, dbuser and
// dbpass leave empty, as the C library does.
func (m dsnOptions) readFiles(o *database.OpenContext) {
	file, group := m["read_default_file"], m["read_default_group"]
	if file == "" && group == "" {
		return
	}
	f := optionFile{groups: []string{"client", "client-server", "client-mariadb"}, values: make(map[string]string)}
	if group != "" {
		f.groups = append(f.groups, group)
	}
	if file != "" {
		if err := f.read(file, 0); err != nil {
			o.Refuse("dsn", fmt.Sprintf("names the option file %s, which cannot be read", file), "let the account that dbsep runs as read it, or correct mysql_read_default_file")
		}
	} else {
		for _, path := range optionFiles {
			_ = f.read(path, 0) // those that are missing do not count
		}
		if home := o.Environ("HOME"); home != "" {
			_ = f.read(filepath.Join(home, ".my.cnf"), 0)
		}
	}
	for _, name := range [...]string{"host", "port", "user", "password", "socket", "database"} {
		if m[name] == "" && f.values[name] != "" {
			m[name] = f.values[name]
		}
	}
	if charset := f.values["default-character-set"]; charset != "" && !strings.HasPrefix(charset, "utf8") {
		o.Warn("dsn", fmt.Sprintf("names an option file that sets the character set %s; here it is always utf8mb4", charset), "")
	}
}

// An optionFile is what the groups wanted of a my.cnf set.
type optionFile struct {
	groups []string
	values map[string]string
}

// read adds the settings of one file. The last one of a name wins, in
// whichever group it is.
func (f *optionFile) read(path string, depth int) error {
	text, err := dsn.ReadFile(path)
	if err != nil {
		return err
	}
	for l := range dsn.Lines(text, "#;") {
		switch {
		case strings.HasPrefix(l.Text, "!"):
			f.include(l.Text, filepath.Dir(path), depth)
		case l.Text != "" && slices.Contains(f.groups, l.Section):
			name, value, _ := l.Setting()
			f.values[strings.ReplaceAll(name, "_", "-")] = optionValue(value)
		}
	}
	return nil
}

// include follows a line "!include file" or "!includedir directory". A file
// that cannot be read is left out, as the C library leaves it out.
func (f *optionFile) include(line, dir string, depth int) {
	if depth >= maxIncludes {
		return
	}
	directive, target, _ := strings.Cut(line, " ")
	target = strings.TrimSpace(target)
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	files := []string{target}
	if directive == "!includedir" {
		files, _ = filepath.Glob(filepath.Join(target, "*.cnf"))
	}
	for _, file := range files {
		_ = f.read(file, depth+1)
	}
}

// optionEscapes are those of option files.
var optionEscapes = strings.NewReplacer(`\b`, "\b", `\t`, "\t", `\n`, "\n", `\r`, "\r", `\s`, " ", `\\`, `\`, `\"`, `"`, `\'`, `'`)

// optionValue reads a value. A "#" outside of quotes begins a comment, and
// quotes around all of the value are not part of it.
func optionValue(text string) string {
	text = strings.TrimSpace(text[:commentStart(text)])
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		text = text[1 : n-1]
	}
	return optionEscapes.Replace(text)
}

// commentStart is where the comment behind a value begins, or the value's end.
func commentStart(text string) int {
	var quote byte
	escaped := false
	for i := range len(text) {
		c := text[i]
		switch {
		case quote == 0 && c == '#':
			return i
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote && !escaped:
			quote = 0
		}
		escaped = quote != 0 && c == '\\' && !escaped
	}
	return len(text)
}
