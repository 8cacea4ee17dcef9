package inspect

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"

	"dbsep/internal/config"
)

// A Report is what Check found. It holds no value that could be a secret.
type Report struct {
	Result   string         `json:"result"` // in words: "all is well"
	File     string         `json:"file"`
	Findings []Finding      `json:"findings"` // errors first
	Settings []Setting      `json:"settings"`
	Database *Database      `json:"database,omitempty"` // nil: the configuration names none that could be opened
	Tables   []Table        `json:"tables"`
	Rights   []ClientRights `json:"rights,omitempty"` // none: everybody has every right
}

type Setting struct {
	Section string `json:"section,omitempty"`
	Key     string `json:"key"`
	Value   string `json:"value"`
	Line    int    `json:"line,omitempty"` // 0: the environment variable, or the default
	Meaning string `json:"meaning"`

	Variable string `json:"variable,omitempty"` // the environment variable that sets it
}

type Database struct {
	Kind    string `json:"kind"`
	Address string `json:"address"`
	Through string `json:"through,omitempty"` // what the DSN names in place of the database
	Account string `json:"account,omitempty"` // none where the kind has no accounts
	Version string `json:"version,omitempty"` // none if it could not be asked

	Asterisk   string `json:"asterisk,omitempty"`    // the version that the tables were compared with, or those that can store their contacts
	Cluster    string `json:"cluster,omitempty"`     // the kind of cluster that the server is a node of
	NotChecked string `json:"not_checked,omitempty"` // what cannot be looked at
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

func (r *Report) warn(problems []config.Problem) {
	for _, p := range problems {
		r.add(Finding{Level: Warning, Problem: p})
	}
}

func (r *Report) add(found ...Finding) { r.Findings = append(r.Findings, found...) }

// Errors counts the findings with which dbsep cannot work.
func (r *Report) Errors() int {
	n := 0
	for _, f := range r.Findings {
		if f.Level == Error {
			n++
		}
	}
	return n
}

// finish puts errors first and says in words what was found.
func (r *Report) finish() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return strings.Compare(string(a.Level), string(b.Level)) })
	errs := r.Errors()
	var parts []string
	if errs > 0 {
		parts = append(parts, counted(errs, "error"))
	}
	if warnings := len(r.Findings) - errs; warnings > 0 {
		parts = append(parts, counted(warnings, "warning"))
	}
	r.Result = strings.Join(parts, ", ")
	if r.Result == "" {
		r.Result = "all is well"
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + " " + what + "s"
}

// settingsOf says what each setting is and where it comes from.
func settingsOf(c *config.Config) []Setting {
	var all []Setting
	for _, set := range config.Settings() {
		all = append(all, Setting{set.Section, set.Key, shown(c, set), c.Line(set.Key), firstSentence(set.PlainDoc()), c.Variable(set.Key)})
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
	case c.Has(set.Key):
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
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
