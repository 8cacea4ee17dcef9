package inspect

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// lineWidth is how long a line may be, unless a single word is longer.
const lineWidth = 100

// WriteText writes the report for a person: what was found, the lines of the file, and
// the database. all adds the settings that the file does not have, and the tables.
func (r *Report) WriteText(w io.Writer, all bool) {
	fmt.Fprintf(w, "%s\n", r.Result)
	for _, f := range r.Findings {
		fmt.Fprintln(w)
		writeRows(w, [][]string{{string(f.Level), f.Error()}}, wrap)
		if f.SQL != "" {
			writeRows(w, [][]string{{strings.Repeat(" ", len(f.Level)), f.SQL}}, wrapSQL)
		}
	}
	r.writeSettings(w, all)
	r.writeDatabase(w, all)
	for _, c := range r.Rights {
		fmt.Fprintf(w, "\nrights of %s\n", c.Client)
		var rows [][]string
		for _, right := range c.Rights {
			rows = append(rows, []string{"  " + right.Tables, right.Right, strings.Join(right.Columns, " ")})
		}
		writeRows(w, rows, wrap)
	}
	if !all && r.Database != nil {
		fmt.Fprint(w, "\n--all lists the other settings, and the tables.\n")
	}
}

func (r *Report) writeSettings(w io.Writer, all bool) {
	var rows [][]string
	section := ""
	for _, s := range r.Settings {
		from := fmt.Sprintf("line %d", s.Line)
		switch {
		case s.Variable != "":
			from = s.Variable
		case s.Line > 0:
		case !all:
			continue
		default:
			from = "default"
		}
		if s.Section != section {
			section = s.Section
			rows = append(rows, []string{"[" + section + "]"})
		}
		rows = append(rows, []string{s.Key, s.Value, from, s.Meaning})
	}
	if rows != nil {
		fmt.Fprintf(w, "\n%s\n", r.File)
		writeRows(w, rows, wrap)
	}
}

func (r *Report) writeDatabase(w io.Writer, all bool) {
	if r.Database == nil {
		return
	}
	rows := [][]string{{"database", r.Database.Kind + " at " + r.Database.Address}}
	if r.Database.Through != "" {
		rows = append(rows, []string{"instead of", r.Database.Through + ", which dsn leads to: dbsep needs no driver between"})
	}
	if r.Database.Account != "" {
		rows = append(rows, []string{"account", r.Database.Account})
	}
	if r.Database.Version != "" {
		rows = append(rows, []string{"version", r.Database.Version}, []string{"tables", fmt.Sprint(len(r.Tables))})
	}
	for _, row := range [][]string{{"Asterisk", r.Database.Asterisk}, {"cluster", r.Database.Cluster}, {"not checked", r.Database.NotChecked}} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	fmt.Fprintln(w)
	writeRows(w, rows, wrap)
	if !all {
		return
	}
	rows = nil
	for _, t := range r.Tables {
		operations := strings.Join(t.Operations, " ")
		if t.Compat != "" {
			operations += " [compat " + t.Compat + "]"
		}
		rows = append(rows, []string{"  " + t.Name, fmt.Sprintf("%d columns", t.Columns), operations})
	}
	writeRows(w, rows, wrap)
}

// cellWidth is how wide a column is at most. What follows a wider cell is on the next
// line.
const cellWidth = 30

// writeRows writes rows of cells in columns, the last cell of each wrapped.
func writeRows(w io.Writer, rows [][]string, wrap func(text string, width int) []string) {
	const gap = 2
	widths := make([]int, 3)
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			if n := utf8.RuneCountInString(cell); n <= cellWidth {
				widths[i] = max(widths[i], n)
			}
		}
	}
	for _, row := range rows {
		var text strings.Builder
		indent := 0
		for i, cell := range row[:len(row)-1] {
			fmt.Fprintf(&text, "%-*s", widths[i]+gap, cell)
			indent += widths[i] + gap
			if utf8.RuneCountInString(cell) > widths[i] {
				text.WriteString("\n" + strings.Repeat(" ", indent))
			}
		}
		text.WriteString(strings.Join(wrap(row[len(row)-1], lineWidth-indent), "\n"+strings.Repeat(" ", indent)))
		for line := range strings.SplitSeq(text.String(), "\n") {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
		}
	}
}

// wrap breaks a text into lines at spaces.
func wrap(text string, width int) []string { return join(strings.Fields(text), width) }

// wrapSQL breaks statements at spaces that are not within quotes, so that they can be
// copied. With a backslash, which may escape a quote, they stay as they are.
func wrapSQL(text string, width int) []string {
	if strings.Contains(text, `\`) {
		return []string{text}
	}
	var quote rune
	words := strings.FieldsFunc(text, func(r rune) bool {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"' || r == '`':
			quote = r
		default:
			return r == ' '
		}
		return false
	})
	return join(words, width)
}

// join puts words into lines.
func join(words []string, width int) []string {
	var lines []string
	for _, word := range words {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
