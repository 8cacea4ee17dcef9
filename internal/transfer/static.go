package transfer

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"dbsep/internal/asteriskconf"
	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// keepsEmptySections are the files in which a section without lines has a meaning, and
// whose modules only log a warning about the row without a name that stands for it.
var keepsEmptySections = []string{"extensions.conf", "queues.conf"}

// staticFile makes the object of a static file.
func staticFile(name, path, table string, sections []*asteriskconf.Section, r *report) *object {
	o := &object{origin: asteriskconf.Line{File: path}, table: table, id: name}
	for _, s := range sections {
		for _, l := range s.Lines {
			if strings.EqualFold(l.Name, "#include") {
				r.refuse(about(l, "Asterisk takes a row of this name for a file to include", "remove the line"))
			}
		}
		if len(s.Lines) == 0 && !slices.Contains(keepsEmptySections, name) {
			r.note(about(header(s), "the section has no line, so no row stands for it", ""))
			continue
		}
		o.sections = append(o.sections, s)
	}
	return o
}

// Columns of static files that are not in [sqlgen.StaticColumns].
const (
	fileColumn      = "filename"
	commentedColumn = "commented"
	positionColumn  = "var_metric"
)

// notCommented is the value of commented in rows that count.
const notCommented = "0"

// staticRows are the rows of a static file. Sections are in falling order of their number,
// lines in rising order.
func (o *object) staticRows() []row {
	var rows []row
	for i, s := range o.sections {
		lines := s.Lines
		if len(lines) == 0 {
			lines = []asteriskconf.Line{header(s)}
			lines[0].Name = ""
		}
		for j, l := range lines {
			rows = append(rows, row{l, []sqlgen.Field{
				{Name: fileColumn, Value: o.id},
				{Name: "cat_metric", Value: strconv.Itoa(len(o.sections) - i)},
				{Name: positionColumn, Value: strconv.Itoa(j)},
				{Name: commentedColumn, Value: notCommented},
				{Name: "category", Value: s.Name},
				{Name: "var_name", Value: l.Name},
				{Name: "var_val", Value: l.Value},
			}})
		}
	}
	return rows
}

// readStatic reads a static file as Asterisk does.
func readStatic(ctx context.Context, db *database.DB, t *sqlgen.Table, file string) (sections []*asteriskconf.Section, err error) {
	query, err := sqlgen.Static(db.Dialect(), t, file)
	if err != nil {
		return nil, err
	}
	var number string // of the section, cat_metric
	err = db.Query(ctx, query, func(columns [][]byte) error {
		metric, category, l := string(columns[0]), string(columns[1]), asteriskconf.Line{Name: string(columns[2]), Value: string(columns[3])}
		if n := len(sections); n == 0 || metric != number || category != sections[n-1].Name {
			number = metric
			sections = append(sections, &asteriskconf.Section{Name: category})
		}
		if l.Name != "" || l.Value != "" {
			last := sections[len(sections)-1]
			last.Lines = append(last.Lines, l)
		}
		return nil
	})
	return sections, err
}

// equalSections reports whether Asterisk reads the same in both.
func equalSections(a, b []*asteriskconf.Section) bool {
	return slices.EqualFunc(a, b, func(a, b *asteriskconf.Section) bool {
		return a.Name == b.Name && slices.EqualFunc(a.Lines, b.Lines, func(a, b asteriskconf.Line) bool {
			return a.Name == b.Name && a.Value == b.Value
		})
	})
}
