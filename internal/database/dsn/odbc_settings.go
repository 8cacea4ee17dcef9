package dsn

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An odbcKey is what is known of a driver's setting. The zero value is one that
// has no effect here, and without which nothing is lost.
type odbcKey struct {
	means    string // the native driver's name of it
	lost     string // why it has no effect here
	harmless string // values, in lower case with a space between, with which nothing is lost
	refused  bool   // to continue without it would be less safe than the Perl script was
}

// odbcCommon are the settings that every driver has, or unixODBC itself.
var odbcCommon = map[string]odbcKey{
	"dsn": {}, "driver": {}, "driver64": {}, "setup": {}, "description": {}, "trace": {}, "tracefile": {}, "threading": {},
	"usagecount": {}, "cptimeout": {}, "cpreuse": {}, "fileusage": {}, "dmenvattr": {}, "debug": {}, "commlog": {}, "savefile": {}, "filedsn": {},
}

// settings puts a source's settings into the native driver's names. Those of the
// string win over those of odbc.ini, and later ones over earlier ones, whichever
// of a setting's names they use. Values stay untold.
func (s *odbcSource) settings(d *Diagnostics, n *nativeDriver) map[string]string {
	settings := make(map[string]string)
	for _, a := range append(slices.Clone(s.stored), s.given...) {
		name := strings.ToLower(a.Name)
		key, known := n.keys[name]
		if !known {
			key, known = odbcCommon[name]
		}
		switch {
		case !known && IsOptionName(name):
			d.Warn("dsn", fmt.Sprintf("sets %s, which dbsep does not know of this ODBC driver", a.Name), "remove it, or correct its name")
		case !known:
			d.Warn("dsn", "sets something that dbsep does not know of this ODBC driver", "remove it")
		case key.means != "":
			settings[key.means] = a.Value
		case key.lost == "" || a.Value == "" || strings.Contains(" "+key.harmless+" ", " "+strings.ToLower(a.Value)+" "):
		case key.refused:
			d.Refuse("dsn", fmt.Sprintf("sets %s, which has no effect: %s", a.Name, key.lost), "remove it, here and in odbc.ini")
		default:
			d.Warn("dsn", fmt.Sprintf("sets %s, which has no effect: %s", a.Name, key.lost), "remove it")
		}
	}
	return settings
}

// take returns a setting and removes it: it has no name in the native driver.
func take(settings map[string]string, name string) string {
	value := settings[name]
	delete(settings, name)
	return value
}

func sortedKeys(settings map[string]string) []string { return slices.Sorted(maps.Keys(settings)) }

// odbcKeys makes keys that have no effect, and without which nothing is lost, of
// words with spaces between.
func odbcKeys(silent string, keys map[string]odbcKey) map[string]odbcKey {
	for name := range strings.FieldsSeq(silent) {
		keys[name] = odbcKey{}
	}
	return keys
}

// isOn is a driver's idea of a switch.
func isOn(value string) bool { return value != "" && !isNo(value) }

func isNo(value string) bool {
	return value == "0" || strings.EqualFold(value, "off") || strings.EqualFold(value, "no") || strings.EqualFold(value, "false")
}
