package sqlgen

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Operators of conditions that need no argument: a condition that no row meets,
// and one that every row meets whose column is not NULL.
const (
	never   = "never"
	notNull = "IS NOT NULL"
)

// fit makes a condition match no more rows than its value means, whatever the
// database would make of a value that its column cannot hold. Such a value equals
// nothing; any other comparison with it is refused. Texts and bytes, and patterns,
// are compared as they are.
func (t *Table) fit(d *Dialect, c condition) (condition, error) {
	if c.like() || c.column.Class == Text || c.column.Class == Binary {
		return c, nil
	}
	if c.column.Class == Integer {
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

// fitUntyped is fit for databases whose columns hold values of any type. Equality
// means there what it says; in an order, a number and a word have no place beside
// each other.
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

// within returns a comparison with a whole number as it is where the column can
// hold the number, elsewhere the condition that it amounts to.
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

// A kind is what a value is to a column that is neither text nor bytes.
type kind int

const (
	misfit kind = iota // nothing that the column's class has
	number
	word // a date, a time, or true and false in words
)

// isNumber reports whether the values of a column are numbers. What a number is
// does not depend on the database.
func (c *Column) isNumber() bool {
	return c.Class == Integer || c.Class == Decimal || c.Class == Float
}

// kindOf returns what a value is to a column of a class. coerced is for databases
// that read a number as a date, disregard a time zone and do not know infinity.
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

// wholeNumber returns the shortest text of a whole number. One with decimals that
// are zeros is whole: Asterisk sends such.
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

// readMoment reads a day that the calendar has, with or without a time. MariaDB
// and MySQL also have days of which a part is zero.
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

// isDigitDate reports whether a value is a date of digits alone, as MariaDB and
// MySQL read them: YYYYMMDD or YYYYMMDDhhmmss.
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

// trimSpace removes what databases disregard around a number or a date.
func trimSpace(value string) string { return strings.Trim(value, " \t\n\r\v\f") }
