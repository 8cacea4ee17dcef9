package sqlgen

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Operators of conditions without an argument: one that no row meets, and one that
// every row meets whose column is not NULL.
const (
	never   = "never"
	notNull = "IS NOT NULL"
)

// MaxPatternBytes is how long the pattern of a LIKE may be. Asterisk sends at most 255
// bytes of a value. A database may compare each byte of a pattern with each of a value,
// and SQLite does not end a comparison that takes too long. Wildcards do not add to
// that on any of them.
const MaxPatternBytes = 256

var patternHint = "send a LIKE pattern of at most " + strconv.Itoa(MaxPatternBytes) + " bytes"

// fit returns a condition that matches no more rows than its value means, also if the
// column cannot hold the value and the database would convert it. Such a value equals
// nothing, and any other comparison with it is refused. Texts, bytes and patterns are
// compared unchanged.
func (t *Table) fit(d *Dialect, c condition) (condition, error) {
	if c.like() && len(c.value) > MaxPatternBytes {
		return c, &Fault{Cause: BadValue, Table: t.Name, Column: c.column.Name, Hint: patternHint}
	}
	if c.like() || c.column.Class == Text || c.column.Class == Binary {
		return c, nil
	}
	if c.column.Class == Integer && !c.column.isYear() {
		if n, ok := wholeNumber(c.value); ok {
			c.value = n
			c = c.within()
		}
	}
	if d.SameType != nil {
		return t.fitUntyped(c)
	}
	switch {
	case c.value == "" && c.operator == "<>":
		return c.without(notNull), nil
	case c.column.Class == Date && hasTimeOfDay(c.value): // PostgreSQL would drop the time
	case c.value == "" && c.takesValue():
	case (d.Coerces || c.column.isNumber()) && c.takesValue() && kindOf(c.column.Class, c.value, d.Coerces) == misfit:
	default:
		return c, nil // the database decides
	}
	if c.operator == "=" {
		return c.without(never), nil
	}
	return c, t.badValue(c)
}

// fitUntyped is fit for databases whose columns hold values of any type. They convert
// nothing in an equality. An order between numbers and words has no meaning.
func (t *Table) fitUntyped(c condition) (condition, error) {
	if !c.takesValue() || c.operator == "=" || c.operator == "<>" && c.value == "" {
		return c, nil
	}
	c.kind = kindOf(c.column.Class, c.value, false)
	if c.kind == misfit {
		return c, t.badValue(c)
	}
	return c, nil
}

func (t *Table) badValue(c condition) error {
	return &Fault{Cause: BadValue, Table: t.Name, Column: c.column.Name}
}

// without returns the condition with an operator that takes no value.
func (c condition) without(operator string) condition {
	c.operator, c.value = operator, ""
	return c
}

// takesValue reports whether the condition has an argument.
func (c condition) takesValue() bool { return c.operator != never && c.operator != notNull }

// isYear reports whether a column is a YEAR of MariaDB or MySQL, to which the text 0000 is
// another year than 0, and 70 means 1970.
func (c *Column) isYear() bool { return strings.HasPrefix(c.Type, "year") }

// within returns a comparison with a whole number unchanged if the column can hold the
// number, and the equivalent condition if it cannot.
func (c condition) within() condition {
	least, most, known := c.column.integers()
	if !known {
		return c
	}
	var below, above bool
	if n, err := strconv.ParseInt(c.value, 10, 64); c.value[0] == '-' {
		below = err != nil || n < least
	} else {
		n, err := strconv.ParseUint(c.value, 10, 64)
		above = err != nil || n > most
	}
	switch {
	case !below && !above:
		return c
	case c.operator == "<>",
		above && (c.operator == "<" || c.operator == "<="),
		below && (c.operator == ">" || c.operator == ">="):
		return c.without(notNull)
	}
	return c.without(never)
}

// integers returns the range of an Integer column.
func (c *Column) integers() (least int64, most uint64, known bool) {
	bits := 8 * c.Size
	switch {
	case bits <= 0 || bits > 64:
		return 0, 0, false
	case c.Unsigned:
		return 0, math.MaxUint64 >> (64 - bits), true
	}
	return math.MinInt64 >> (64 - bits), math.MaxInt64 >> (64 - bits), true
}

// A kind is how a column that is neither text nor bytes understands a value.
type kind int

const (
	misfit kind = iota // not a value of the column's class
	number
	word // a date, a time, or true and false in words
)

// isNumber reports whether the values of a column are numbers, which all databases
// write in the same way.
func (c *Column) isNumber() bool {
	return c.Class == Integer || c.Class == Decimal || c.Class == Float
}

// kindOf returns the kind of a value for a class. coerced is for databases that read a
// number as a date, ignore a time zone and have no infinity.
func kindOf(class Class, value string, coerced bool) kind {
	value = trimSpace(value)
	isNumber := decimal.MatchString(value)
	switch class {
	case Integer:
		_, isNumber = wholeNumber(value)
	case Decimal, Float:
		if !coerced && infinite.MatchString(value) {
			return word
		}
	case Boolean:
		if truth.MatchString(value) {
			return word
		}
	case Date, DateTime:
		if m, ok := readMoment(value); ok && !(coerced && m.zone) {
			return word
		}
		isNumber = isNumber && (!coerced || isDigitDate(value))
	case Time:
		if clock.MatchString(value) {
			return word
		}
	case Other:
		return word
	}
	if isNumber {
		return number
	}
	return misfit
}

var (
	whole    = regexp.MustCompile(`^[+-]?[0-9]+(\.0*)?$`)
	decimal  = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	infinite = regexp.MustCompile(`(?i)^([+-]?inf(inity)?|nan)$`)
	truth    = regexp.MustCompile(`(?i)^(t|true|f|false|y|yes|n|no|on|off)$`)
	clock    = regexp.MustCompile(`^-?([0-9]+ )?[0-9]{1,3}(:[0-5]?[0-9]){1,2}(\.[0-9]*)?$`)
	date     = regexp.MustCompile(`^([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})` +
		`(?:[T ]+((?:[01]?[0-9]|2[0-3])(?::[0-5]?[0-9]){0,2}(?:\.[0-9]*)?))?` +
		`( ?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?))?$`)
)

// wholeNumber returns the shortest text of a whole number. A number whose decimals are
// zeros is whole: Asterisk sends such numbers.
func wholeNumber(value string) (text string, ok bool) {
	value = trimSpace(value)
	if !whole.MatchString(value) {
		return "", false
	}
	digits, _, _ := strings.Cut(value, ".")
	digits, negative := strings.CutPrefix(strings.TrimPrefix(digits, "+"), "-")
	digits = strings.TrimLeft(digits, "0")
	switch {
	case digits == "":
		return "0", true
	case negative:
		return "-" + digits, true
	}
	return digits, true
}

// A moment is a day with what follows it.
type moment struct {
	clock string // the time of day, if there is one
	zone  bool   // a time zone is named
}

// readMoment parses a date that exists, with or without a time. A part of it may be
// zero, as in MariaDB and MySQL.
func readMoment(value string) (m moment, ok bool) {
	parts := date.FindStringSubmatch(value)
	if parts == nil {
		return m, false
	}
	year, month, day := atoi(parts[1]), atoi(parts[2]), atoi(parts[3])
	if month > 0 && day > 0 {
		t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		ok = int(t.Month()) == month && t.Day() == day
	} else {
		ok = month <= 12 && day <= 31
	}
	return moment{parts[4], parts[5] != ""}, ok
}

// isDigitDate reports whether a value is a date of digits only, as MariaDB and MySQL
// accept it: YYYYMMDD or YYYYMMDDhhmmss.
func isDigitDate(value string) bool {
	if len(value) != 8 && len(value) != 14 {
		return false
	}
	text := value[:4] + "-" + value[4:6] + "-" + value[6:8]
	if len(value) == 14 {
		text += " " + value[8:10] + ":" + value[10:12] + ":" + value[12:]
	}
	_, ok := readMoment(text)
	return ok
}

func hasTimeOfDay(value string) bool {
	m, ok := readMoment(trimSpace(value))
	return ok && strings.Trim(m.clock, "0:.") != ""
}

func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// trimSpace removes the whitespace that databases ignore around a number or a date.
func trimSpace(value string) string { return strings.Trim(value, " \t\n\r\v\f") }
