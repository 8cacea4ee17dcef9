package database

import (
	"maps"
	"path/filepath"
	"strings"
)

// readFreeTDS reads what freetds.conf says of a server: the settings of its
// entry, and of [global] where the entry has none. They come from the first file
// that has the entry, or else from the first that there is.
func readFreeTDS(o *opening, server string) (entry map[string]string, found bool) {
	files := []string{o.Environ("FREETDSCONF")}
	if dir := o.Environ("FREETDS"); dir != "" {
		files = append(files, filepath.Join(dir, "etc", "freetds.conf"))
	}
	files = append(files, inHome(o, ".freetds.conf"), "/etc/freetds/freetds.conf")
	for _, file := range files {
		text, err := readPlain(file)
		if err != nil {
			continue // a file that is missing says nothing
		}
		settings, has := fromFreeTDS(text, server)
		if has {
			return settings, true
		}
		if entry == nil {
			entry = settings
		}
	}
	if entry == nil {
		entry = make(map[string]string)
	}
	return entry, false
}

// fromFreeTDS takes the settings of a server from a file's text and reports
// whether the file has an entry of this name. Names are without regard to case,
// and blanks within them and within values count as one.
func fromFreeTDS(text, server string) (settings map[string]string, found bool) {
	settings = make(map[string]string)
	own := make(map[string]string)
	for l := range iniLines(text, ";#") {
		section := settings
		switch {
		case strings.EqualFold(l.section, server):
			section, found = own, true
		case !strings.EqualFold(l.section, "global"):
			continue
		}
		name, value, set := l.setting()
		if comment := strings.IndexAny(value, ";#"); comment >= 0 {
			value = value[:comment]
		}
		if set {
			section[strings.ToLower(oneBlank(name))] = oneBlank(value)
		}
	}
	maps.Copy(settings, own)
	return settings, found
}

func oneBlank(text string) string { return strings.Join(strings.Fields(text), " ") }
