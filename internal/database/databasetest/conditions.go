package databasetest

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"dbsep/sqlgen"
)

// A comparedColumn is a column of a class, the values that its rows have, and
// values that conditions compare it with.
type comparedColumn struct {
	typ    string
	stored []string // in their order; the last row is NULL

	// compared has for each value of a condition where it belongs among those
	// stored: the position of the one that it equals, or a half where it lies
	// between two. A value that is none of the class has misfit.
	compared map[string]float64
}

const misfit = -100

var comparedColumns = []comparedColumn{
	{"INTEGER", []string{"-7", "0", "5", "1500"}, map[string]float64{
		"5": 2, "05": 2, "+5": 2, " 5 ": 2, "5.000000": 2, "-7": 0, "0": 1, "-0": 1, "6": 2.5, "1500": 3, "2147483647": 3.5, "-2147483648": -0.5,
		"2147483648": 3.5, "-2147483649": -0.5, "99999999999999999999": 3.5, "-99999999999999999999": -0.5,
		"abc": misfit, "5abc": misfit, "1500x": misfit, "3.5": misfit, "5.0.0": misfit, "--5": misfit, "+": misfit, ".": misfit, " ": misfit,
		"NULL": misfit, "é": misfit, "中": misfit, "५": misfit, "5 OR 1=1": misfit, "true": misfit, "{}": misfit, "0x5": misfit, "1_500": misfit, "1e3": misfit,
	}},
	{"BIGINT", []string{"-9223372036854775808", "0", "9007199254740993"}, map[string]float64{
		"9007199254740993": 2, "9007199254740992": 1.5, "9007199254740994": 2.5, "9223372036854775807": 2.5, "9223372036854775808": 2.5,
		"-9223372036854775808": 0, "-9223372036854775809": -0.5, "18446744073709551616": 2.5, "x": misfit, "0x": misfit,
	}},
	{"DOUBLE", []string{"-1", "0", "0.5", "200"}, map[string]float64{
		"0.5": 2, ".5": 2, "5e-1": 2, "+0.50": 2, "200": 3, "2e2": 3, "-1": 0, "-0.5": 0.5, "1e9": 3.5,
		"abc": misfit, "0.5x": misfit, "1e": misfit, "0,5": misfit, "-": misfit,
	}},
	{"DATE", []string{"2024-02-29", "2026-01-02"}, map[string]float64{
		"2026-01-02": 1, "2024-02-29": 0, "2025-12-31": 0.5, "2026-01-03": 1.5, "1999-01-01": -0.5,
		"abc": misfit, "2026-01-02x": misfit, "2026-02-30": misfit, "2026-13-01": misfit, "soon": misfit, "--": misfit,
	}},
	{"DATETIME", []string{"2024-02-29 12:00:00", "2026-01-02 03:04:05"}, map[string]float64{
		"2026-01-02 03:04:05": 1, "2026-01-02 03:04:06": 1.5, "2026-01-02": 0.5, "2024-02-29 12:00:00": 0, "2020-01-01 00:00:00": -0.5,
		"abc": misfit, "2026-01-02 03:04:05x": misfit, "2026-02-30 00:00:00": misfit, "2026-01-02 25:00:00": misfit, "2026-01-02 03:61:00": misfit,
	}},
	{"TIME", []string{"03:04:05", "23:59:59"}, map[string]float64{
		"03:04:05": 0, "03:04:06": 0.5, "00:00:00": -0.5, "23:59:59": 1, "abc": misfit, "03:04:05x": misfit, "3h": misfit,
	}},
}

// meets reports whether a stored value at a position meets a comparison with a
// value that belongs at another.
var meets = map[string]func(stored, compared float64) bool{
	"":    func(s, c float64) bool { return s == c },
	" =":  func(s, c float64) bool { return s == c },
	" !=": func(s, c float64) bool { return s != c },
	" <>": func(s, c float64) bool { return s != c },
	" <":  func(s, c float64) bool { return s < c },
	" <=": func(s, c float64) bool { return s <= c },
	" >":  func(s, c float64) bool { return s > c },
	" >=": func(s, c float64) bool { return s >= c },
}

var conditions = map[string]func(*testing.T, *fixture){
	"a condition matches no more than its value means": func(t *testing.T, f *fixture) {
		for _, c := range comparedColumns {
			f.comparisons(t, c)
		}
	},

	"an empty value in a condition of texts is a text": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [texts] ([id] INTEGER, [c] VARCHAR(20))",
			"INSERT INTO [texts] VALUES (1, '')", "INSERT INTO [texts] VALUES (2, 'a')", "INSERT INTO [texts] VALUES (3, NULL)")
		texts := f.describe("texts")
		f.wantRows("=", f.multi(texts, "c", ""), "1|")
		f.wantRows("!=", f.multi(texts, "c !=", ""), "2|a")
		f.wantRows(">", f.multi(texts, "c >", ""), "2|a")
	},

	"a text that its column cannot hold equals nothing": func(t *testing.T, f *fixture) {
		peers := f.peers()
		for _, value := range []string{strings.Repeat("x", sqlgen.MaxPatternBytes), "\xff\xfe", "alice\xff", "al\xc3", "中", "😀", "alice\U0010FFFF"} {
			f.wantRows("read of "+value, f.multi(peers, "name", value))
			f.wantRows("pattern of "+value, f.multi(peers, "name LIKE", value))
			f.wantCount("update of "+value, 0, f.exec(sqlgen.Update(f.DB.Dialect(), peers, fields("name", value), fields("port", "1"))))
			f.wantCount("destroy of "+value, 0, f.exec(sqlgen.Destroy(f.DB.Dialect(), peers, fields("name", value))))
		}
		f.wantRows("rows", f.multi(peers, "name", "alice"), "alice|internal|5060|0.5")
	},

	"an equality without rows decides before an order that makes no sense": func(t *testing.T, f *fixture) {
		peers := f.peers()
		f.wantRows("both fit", f.multi(peers, "port >", "1", "name", "bob"), "bob|internal|10000|"+null)
		f.wantRows("the text cannot be", f.multi(peers, "port >", "1", "name", "\xff"))
		f.wantRows("the number cannot be", f.multi(peers, "name >", "a", "port", "x"))
	},

	"a value that does not fit is refused beside rows, and of no consequence without": func(t *testing.T, f *fixture) {
		if !f.Widths {
			t.Skip("no widths are enforced")
		}
		peers := f.peers()
		_, err := f.try(sqlgen.Update(f.DB.Dialect(), peers, fields("name", "alice"), fields("port", "x")))
		f.wantFault("a row", err, sqlgen.BadValue)
		_, err = f.try(sqlgen.Update(f.DB.Dialect(), peers, fields("name LIKE", "%", "port >", "1"), fields("port", "x")))
		f.wantFault("rows", err, sqlgen.BadValue)
		f.wantCount("no row", 0, f.exec(sqlgen.Update(f.DB.Dialect(), peers, fields("name", "nobody"), fields("port", "x"))))
		f.wantRows("rows", f.multi(peers, "port !=", ""), "carol|"+null+"|900|2", "alice|internal|5060|0.5", "bob|internal|10000|"+null)
	},
}

// comparisons compares a column with each value by each operator.
func (f *fixture) comparisons(t *testing.T, c comparedColumn) {
	t.Helper()
	name := "compared_" + strings.ToLower(c.typ)
	f.setup("CREATE TABLE [" + name + "] ([id] INTEGER NOT NULL PRIMARY KEY, [c] " + c.typ + ", [mark] INTEGER)")
	table := f.describe(name)
	for i, value := range c.stored {
		f.exec(sqlgen.Store(f.DB.Dialect(), table, fields("id", strconv.Itoa(i), "c", value)))
	}
	f.exec(sqlgen.Store(f.DB.Dialect(), table, fields("id", strconv.Itoa(len(c.stored)), "c", "")))
	all := f.multi(table, "id >=", "0")
	for operator, met := range meets {
		for value, position := range c.compared {
			var want []string
			for i := range c.stored {
				if position != misfit && met(float64(i), position) {
					want = append(want, strconv.Itoa(i))
				}
			}
			f.comparison(table, operator, value, position == misfit && strings.Trim(operator, " =") != "", want)
		}
	}
	var known []string
	for i := range c.stored {
		known = append(known, strconv.Itoa(i))
	}
	for operator := range meets {
		switch strings.Trim(operator, " ") {
		case "", "=":
			f.comparison(table, operator, "", false, nil)
		case "!=", "<>":
			f.comparison(table, operator, "", false, known)
		default:
			f.comparison(table, operator, "", true, nil)
		}
	}
	f.wantRows(c.typ+": nothing changed but the mark", f.multi(table, "id >=", "0"), all...)
}

// comparison checks one condition in a read and, with the same result, in writes.
func (f *fixture) comparison(table *sqlgen.Table, operator, value string, refused bool, want []string) {
	f.t.Helper()
	what := table.Column("c").Type + operator + " " + strconv.Quote(value)
	condition := fields("c"+operator, value)
	multi, err := sqlgen.Multi(f.DB.Dialect(), table, condition)
	if err == nil {
		err = query(f.t.Context(), f.DB, multi)
	}
	if refused {
		f.wantRefused(what, err)
		_, err = f.try(sqlgen.Update(f.DB.Dialect(), table, condition, fields("mark", "")))
		f.wantRefused(what+" in an update", err)
		_, err = f.try(sqlgen.Destroy(f.DB.Dialect(), table, condition))
		f.wantRefused(what+" in a destroy", err)
		return
	}
	if err != nil {
		f.t.Errorf("%s: %v", what, plain(err))
		return
	}
	var got []string
	for _, row := range f.rows(multi, nil) {
		id, _, _ := strings.Cut(row, "|")
		got = append(got, id)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.t.Errorf("%s: rows %q, want %q", what, got, want)
	}
	f.wantCount(what+" in an update", len(want), f.exec(sqlgen.Update(f.DB.Dialect(), table, condition, fields("mark", ""))))
	if len(want) == 0 {
		f.wantCount(what+" in a destroy", 0, f.exec(sqlgen.Destroy(f.DB.Dialect(), table, condition)))
	}
}

func (f *fixture) wantRefused(what string, err error) {
	f.t.Helper()
	if err == nil {
		f.t.Errorf("%s is accepted, want bad-value", what)
		return
	}
	f.wantFault(what, err, sqlgen.BadValue)
}

func (f *fixture) wantCount(what string, want int, got int64) {
	f.t.Helper()
	if int64(want) != got {
		f.t.Errorf("%s: %d rows, want %d", what, got, want)
	}
}
