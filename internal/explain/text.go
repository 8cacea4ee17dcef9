package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// width is how long a line is at most, except where it shows SQL or the response.
	width = 100

	// indent is where everything but the labels begins.
	indent = 12

	// maxShown is how many rows of a response are shown.
	maxShown = 3
)

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) {
	p := printer{w}
	r.writeRequest(p)
	for _, s := range r.Statements {
		s.write(p)
	}
	r.Response.write(p, r.Error == nil && r.writes())
	if e := r.Error; e != nil {
		text := string(e.Code) + ": " + e.Message
		if e.Column != "" {
			text += ": " + e.Column
		}
		p.wrapped("error", text)
		p.wrapped("", e.Hint)
		if e.Cause != "" {
			p.wrapped("", "the database says: "+e.Cause)
		}
	}
	for _, warning := range r.Warnings {
		p.wrapped("warning", warning.Text)
		p.wrapped("", warning.Hint)
	}
}

func (r *Report) writes() bool {
	return len(r.Statements) > 0 && r.Statements[len(r.Statements)-1].Writes
}

func (r *Report) writeRequest(p printer) {
	p.line("request", r.Request.Method+" "+r.Request.Path)
	if r.Request.Query != "" {
		p.line("", "query "+r.Request.Query)
	}
	if r.Request.Body != "" {
		p.line("", "body  "+r.Request.Body)
	}
	if r.Rights.Client != "" {
		p.line("client", r.Rights.Client)
	}
	p.wrapped("rights", r.Rights.String())
	if r.Table != nil {
		p.line("table", r.Table.Name+", semicolons="+r.Table.Semicolons)
		p.line("database", r.Table.Database)
	}
	for _, f := range r.Fields {
		p.line(f.Kind, f.String())
	}
}

// String says what the client may do.
func (r Rights) String() string {
	switch {
	case r.Section == "" && r.Read:
		return "all: no section [tables] is for the client"
	case r.Section == "":
		return "none: the client may not connect"
	}
	may := map[bool]string{true: "write", false: "none"}[r.Write]
	if r.Read && !r.Write {
		may = "read"
	}
	if r.Pattern != "" {
		may = strings.Join(append([]string{r.Pattern + "=" + may}, r.Columns...), " ")
	}
	return may + " in " + r.Section
}

// String shows the name and the value as they were parsed, and what the statement makes of them.
func (f Field) String() string {
	name := f.Name + " ="
	if f.Operator != "" {
		name = f.Column + " " + f.Operator
	}
	text := name + " " + strconv.Quote(f.Value)
	switch {
	case f.Stored != nil:
		text += ", in the database " + strconv.Quote(*f.Stored)
	case f.Note != "":
		text += ": " + f.Note
	}
	return text
}

func (s Statement) write(p printer) {
	p.line("sql", s.SQL)
	for i, a := range s.Args {
		text := "NULL"
		if a != nil {
			text = strconv.Quote(*a)
		}
		p.line("", fmt.Sprintf("%d: %s", i+1, text))
	}
	label := "plan"
	for _, line := range s.Plan {
		p.wrapped(label, line)
		label = ""
	}
	switch {
	case s.NoPlan != "":
		p.wrapped(label, s.NoPlan)
	case len(s.Plan) > 0 && !s.Scans:
		p.line("", "it reads no whole table")
	}
	switch {
	case s.Writes && s.Error != "":
		p.line("not run", "the database would refuse it: "+string(s.Error))
	case s.Writes:
		p.line("not run", "it would change "+count(s.Rows, "row"))
	}
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (r Response) write(p printer, predicted bool) {
	text := fmt.Sprintf("status %d, %s, %s", r.Status, r.Type, count(r.Bytes, "byte"))
	if predicted {
		text += ", if the database takes the statement"
	}
	p.line("response", text)
	for i, line := range strings.SplitAfterN(r.Body, "\n", maxShown+1) {
		if i < maxShown && (i == 0 || line != "") {
			p.line("", strconv.Quote(line))
		}
	}
	if more := r.Total - maxShown; len(r.Rows) > 0 && more > 0 {
		p.line("", "and "+count(more, "row")+" more")
	}
	switch {
	case len(r.Rows) > 0:
		for i, row := range r.Rows[:min(len(r.Rows), maxShown)] {
			label := ""
			if i == 0 {
				label = "Asterisk"
			}
			p.line(label, fmt.Sprintf("row %d", i+1))
			for _, pair := range row {
				p.line("", "  "+pair.Name+" = "+pair.Value)
			}
		}
	case r.Number != "":
		p.line("Asterisk", "reads the number "+r.Number)
	case r.Type == "text/plain":
		p.line("Asterisk", "finds no row")
	}
}

// A printer writes lines, each after a label or below one.
type printer struct{ io.Writer }

// line writes a line, and nothing that controls a terminal.
func (p printer) line(label, text string) { fmt.Fprintf(p, "%-*s%s\n", indent, label, visible(text)) }

// wrapped writes a text in lines that are not too long. It writes no empty one.
func (p printer) wrapped(label, text string) {
	if text != "" && indent+len(text) <= width {
		p.line(label, text)
		return
	}
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && indent+len(line)+1+len(word) > width {
			p.line(label, line)
			label, line = "", ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		p.line(label, line)
	}
}

// visible writes control characters, and bytes that are no text, as in a string of Go.
func visible(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if strconv.IsPrint(r) && !(r == utf8.RuneError && n == 1) {
			b.WriteString(text[:n])
		} else {
			quoted := strconv.Quote(text[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[n:]
	}
	return b.String()
}
