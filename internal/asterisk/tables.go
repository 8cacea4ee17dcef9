package asterisk

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Table is one that Asterisk uses.
type Table struct {
	Name    string
	Groups  []string
	Columns []Column
	Primary []string   // columns of the primary key
	Unique  [][]string // columns of other unique keys
	Indexes [][]string // columns of indexes
	Prefix  string     // the column that LIKE looks up by its beginning; empty for none
}

// Column returns a column, nil where there is none of the name.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// A Column is one of a [Table].
type Column struct {
	Name     string
	Type     Type
	Required bool    // it is never NULL
	Default  *string // nil for none
}

// A Kind is what a column holds.
type Kind int

const (
	Char       Kind = iota // texts of a limited length
	Choice                 // one of the texts that Asterisk knows
	LongText               // texts without a limit
	Integer                // of 4 bytes
	BigInteger             // of 8 bytes
	Float
	Decimal
	DateTime
	Boolean
	Bytes
)

// A Type is what a column holds, and how much of it.
type Type struct {
	Kind    Kind
	Size    int      // characters of a Char, digits of a Decimal or of the second of a DateTime
	Scale   int      // digits of a Decimal behind the point
	Values  []string // of a Choice
	Counted bool     // an Integer or BigInteger that the database chooses for a new row
}

// Groups are the names of the groups of tables, and All that of all of them.
const All = "all"

// Groups returns the groups of tables in their order, with All.
func Groups() []string { return append(slices.Clone(facts().groups), All) }

// Tables returns the tables of some groups as a release has them. No groups are all.
func Tables(r Release, groups ...string) ([]*Table, error) {
	f := facts()
	for _, g := range groups {
		if g != All && !slices.Contains(f.groups, g) {
			return nil, fmt.Errorf("there is no group of tables called %q; choose from %s", g, strings.Join(Groups(), ", "))
		}
	}
	var tables []*Table
	for _, t := range f.tables {
		wanted := len(groups) == 0 || slices.Contains(groups, All) ||
			slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(t.groups, g) })
		if wanted && t.releases.has(r) {
			tables = append(tables, t.of(r))
		}
	}
	return tables, nil
}

//go:embed tables.txt
var factsText string

// facts are what tables.txt says.
var facts = sync.OnceValue(func() *factFile { return parseFacts(factsText) })

type factFile struct {
	releases []string
	groups   []string
	values   map[string][]string
	tables   []*tableFacts
}

type tableFacts struct {
	name     string
	groups   []string
	releases releaseSet
	columns  []columnFacts
	keys     []keyFact
}

// A columnFacts has the types of a column. The last one that fits a release holds.
type columnFacts struct {
	name  string
	types []typeFact
}

type typeFact struct {
	Column
	releases releaseSet
}

type keyFact struct {
	word    string // PRIMARY, UNIQUE, INDEX or PREFIX
	columns []string
}

// A releaseSet has the indexes of releases; nil: all of them.
type releaseSet []bool

func (s releaseSet) has(r Release) bool { return s == nil || s[r.index] }

// of is the table as a release has it. What Asterisk may store fits in any case.
func (t *tableFacts) of(r Release) *Table {
	table := &Table{Name: t.name, Groups: t.groups}
	for _, c := range t.columns {
		for _, typ := range slices.Backward(c.types) {
			if typ.releases.has(r) {
				table.Columns = append(table.Columns, typ.Column)
				break
			}
		}
	}
	for _, stored := range Stores[t.name] {
		if c := table.Column(stored.Column); c != nil && c.Type.Kind == Char {
			c.Type.Size = max(c.Type.Size, stored.Size)
		}
	}
	for _, k := range t.keys {
		switch k.word {
		case "PRIMARY":
			table.Primary = k.columns
		case "UNIQUE":
			table.Unique = append(table.Unique, k.columns)
		case "INDEX":
			table.Indexes = append(table.Indexes, k.columns)
		case "PREFIX":
			table.Prefix = k.columns[0]
		}
	}
	return table
}

// parseFacts reads tables.txt, which a test has read before.
func parseFacts(text string) *factFile {
	f := &factFile{values: map[string][]string{}}
	var table *tableFacts
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "groups":
			f.groups = words[1:]
		case words[0] == "releases":
			f.releases = words[1:]
		case words[0] == "values":
			f.values[words[1]] = strings.Split(words[2], "|")
		case words[0] == "table":
			table = &tableFacts{name: words[1], groups: strings.Split(words[2], ","), releases: f.parseReleases(words[3:])}
			f.tables = append(f.tables, table)
		case words[0] == strings.ToUpper(words[0]) && words[0] != strings.ToLower(words[0]):
			table.keys = append(table.keys, keyFact{words[0], words[1:]})
		default:
			c := columnFacts{name: words[0]}
			for alternative := range strings.SplitSeq(strings.Join(words[1:], " "), " / ") {
				c.types = append(c.types, f.parseType(c.name, strings.Fields(alternative)))
			}
			table.columns = append(table.columns, c)
		}
	}
	return f
}

// parseType reads TYPE [required] [default=VALUE] [RELEASES].
func (f *factFile) parseType(column string, words []string) typeFact {
	t := typeFact{Column: Column{Name: column, Type: f.typeNamed(words[0])}}
	t.Required = t.Type.Counted
	for i, word := range words[1:] {
		value, isDefault := strings.CutPrefix(word, "default=")
		switch {
		case word == "required":
			t.Required = true
		case isDefault:
			t.Default = &value
		default:
			t.releases = f.parseReleases(words[i+1:])
			return t
		}
	}
	return t
}

var kinds = map[string]Type{
	"char": {Kind: Char}, "text": {Kind: LongText}, "integer": {Kind: Integer}, "bigint": {Kind: BigInteger},
	"number": {Kind: Integer, Counted: true}, "bignumber": {Kind: BigInteger, Counted: true},
	"float": {Kind: Float}, "decimal": {Kind: Decimal}, "datetime": {Kind: DateTime}, "boolean": {Kind: Boolean},
	"bytes": {Kind: Bytes}, "one_of": {Kind: Choice},
}

func (f *factFile) typeNamed(text string) Type {
	if values, found := f.values[text]; found {
		return Type{Kind: Choice, Values: values}
	}
	name, inside, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	t, known := kinds[name]
	if !known {
		panic("tables.txt: unknown type " + text)
	}
	if t.Kind == Choice {
		t.Values = strings.Split(inside, "|")
		return t
	}
	size, scale, _ := strings.Cut(inside, ",")
	t.Size, _ = strconv.Atoi(size)
	t.Scale, _ = strconv.Atoi(scale)
	return t
}

// parseReleases reads names and ranges of releases. None are all.
func (f *factFile) parseReleases(words []string) releaseSet {
	if len(words) == 0 {
		return nil
	}
	set := make(releaseSet, len(f.releases))
	for _, word := range words {
		first, last, isRange := strings.Cut(word, "-")
		from := slices.Index(f.releases, first)
		to := from
		if isRange {
			to = len(f.releases) - 1
		}
		if last != "" {
			to = slices.Index(f.releases, last)
		}
		if from < 0 || to < from {
			panic("tables.txt: unknown releases " + word)
		}
		for i := from; i <= to; i++ {
			set[i] = true
		}
	}
	return set
}
