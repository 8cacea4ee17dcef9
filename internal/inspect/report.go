package inspect

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"dbsep/internal/config"
)

// A Report is what Check found. It holds no value that could be a secret.
type Report struct {
	File     string         `json:"file"`
	Settings []Setting      `json:"settings"`
	Database Database       `json:"database"`
	Tables   []Table        `json:"tables"`
	Rights   []ClientRights `json:"rights,omitempty"` // none: everybody has every right
	Warnings []string       `json:"warnings"`
}

type Setting struct {
	Section string `json:"section,omitempty"`
	Key     string `json:"key"`
	Value   string `json:"value"`
	Line    int    `json:"line,omitempty"` // 0: the default
	Meaning string `json:"meaning"`
}

type Database struct {
	Kind    string `json:"kind"`
	Address string `json:"address"`
	Through string `json:"through,omitempty"` // what the DSN names in place of the database
	Account string `json:"account,omitempty"` // none where the kind has no accounts
	Version string `json:"version"`
}

type Table struct {
	Name       string   `json:"name"`
	Columns    int      `json:"columns"`
	Operations []string `json:"operations"`
	Compat     string   `json:"compat,omitempty"` // the pattern of its section [compat PATTERN]
}

// A ClientRights is a section [tables].
type ClientRights struct {
	Client string  `json:"client"` // "everybody", or "user NAME" and its like
	Rights []Right `json:"rights"`
}

type Right struct {
	Tables  string   `json:"tables"` // a name or a pattern
	Right   string   `json:"right"`  // "none", "read" or "write"
	Columns []string `json:"columns,omitempty"`
}

// settingsOf says what each setting is and where it comes from.
func settingsOf(c *config.Config) []Setting {
	var all []Setting
	for _, set := range config.Settings() {
		all = append(all, Setting{set.Section, set.Key, shown(c, set), c.Line(set.Key), firstSentence(set.PlainDoc())})
	}
	return append(all, compatSettings(c)...)
}

// shown is a setting's value as it may be shown to anyone.
func shown(c *config.Config, set config.Setting) string {
	switch {
	case set.Section != "":
		return c.Text(set)
	case set.Key == "dbuser":
		return c.User
	case set.Key == "dbschema":
		return c.Schema
	case c.Line(set.Key) > 0:
		return "(set)"
	}
	return ""
}

func firstSentence(text string) string {
	first, _, _ := strings.Cut(text, ". ")
	return strings.TrimSuffix(first, ".") + "."
}

// WriteJSON writes the report as one object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report for a person.
func (r *Report) WriteText(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", r.File)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := ""
	for _, s := range r.Settings {
		if s.Section != section {
			section = s.Section
			fmt.Fprintf(table, "[%s]\n", section)
		}
		from := "default"
		if s.Line > 0 {
			from = fmt.Sprintf("line %d", s.Line)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Key, s.Value, from, s.Meaning)
	}
	_ = table.Flush()
	fmt.Fprintf(w, "\ndatabase   %s at %s\n", r.Database.Kind, r.Database.Address)
	if r.Database.Through != "" {
		fmt.Fprintf(w, "instead of %s, which dsn leads to: dbsep needs no driver between\n", r.Database.Through)
	}
	if r.Database.Account != "" {
		fmt.Fprintf(w, "account    %s\n", r.Database.Account)
	}
	fmt.Fprintf(w, "version    %s\ntables     %d\n", r.Database.Version, len(r.Tables))
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, t := range r.Tables {
		section := ""
		if t.Compat != "" {
			section = "\t[compat " + t.Compat + "]"
		}
		fmt.Fprintf(table, "           %s\t%d columns\t%s%s\n", t.Name, t.Columns, strings.Join(t.Operations, " "), section)
	}
	_ = table.Flush()
	for _, ruling := range r.Rights {
		fmt.Fprintf(w, "rights     of %s\n", ruling.Client)
		table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, right := range ruling.Rights {
			fmt.Fprintf(table, "           %s\t%s\t%s\n", right.Tables, right.Right, strings.Join(right.Columns, " "))
		}
		_ = table.Flush()
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "\nwarning    %s\n", warning)
	}
	if len(r.Warnings) == 0 {
		fmt.Fprintln(w, "\nall is well")
	}
}
