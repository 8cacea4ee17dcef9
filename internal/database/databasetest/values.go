package databasetest

import (
	"strings"
	"testing"

	"dbsep/sqlgen"
)

// awkward are texts that have to come back as they were stored.
var awkward = []string{
	"", " ", "  two ", "a'b", `a"b`, "a`b", `a\b`, `\`, `\'`, `\\`, "%", "_", "?", "$1", ":x", "@y", "--", "#", "/* */", ";", "a;b", "=", "&", "+",
	"x' OR '1'='1", "'; DROP TABLE texts; --", `\'; DROP TABLE texts; --`, "0x41", "NULL", "null", "DEFAULT", "CURRENT_TIMESTAMP",
	"00042", "1e3", "0.10", "+1", " 1", "1 ", "9007199254740993", "é€😀", "e\u0301", "\u202e", "line\nfeed", "carriage\rreturn", "tab\t", "\x01\x1f\x7f",
	"${EXTEN}", "sip:a@10.0.0.1:5060^3Btransport=tcp", "{\"a\": [1]}", strings.Repeat("é", 1000), "\ufeff", "\ufffd",
}

var values = map[string]func(*testing.T, *fixture){
	"text comes back as it was stored": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [texts] ([id] INTEGER NOT NULL PRIMARY KEY, [short] VARCHAR(2000), [long] TEXT)")
		texts := f.describe("texts")
		for i, text := range awkward {
			id := strings.Repeat("1", i%5+1) + string(rune('0'+i%10)) + string(rune('0'+i/10))
			if n, err := f.store(texts, "id", id, "short", text, "long", text); n != 1 || err != nil {
				t.Fatalf("store %q: %d, %v", text, n, plain(err))
			}
			f.wantRows("by id", f.multi(texts, "id", id), id+"|"+text+"|"+text)
			f.wantRows("by itself", f.multi(texts, "short", text, "id", id), id+"|"+text+"|"+text)
			f.wantRows("update", []string{"1"}, string('0'+rune(f.exec(sqlgen.Update(f.DB.Dialect(), texts, fields("long", text, "id", id), fields("long", text))))))
			f.wantRows("again", f.multi(texts, "id", id), id+"|"+text+"|"+text)
		}
	},

	"bytes come back as they were stored": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [bytes] ([id] INTEGER, [body] BLOB)")
		table := f.describe("bytes")
		var all strings.Builder
		for i := range 256 {
			all.WriteByte(byte(i))
		}
		for _, body := range []string{all.String(), "\xff\xfe", "é\xc3", strings.Repeat("\xff", 1<<16-1)} {
			f.exec(sqlgen.Destroy(f.DB.Dialect(), table, fields("id", "1")))
			f.exec(sqlgen.Store(f.DB.Dialect(), table, fields("id", "1", "body", body)))
			f.wantRows("bytes", f.multi(table, "id", "1"), "1|"+body)
		}
	},

	"every class prints as Perl printed it": func(t *testing.T, f *fixture) {
		for _, c := range []struct{ typ, sql, want string }{
			{"INTEGER", "0", "0"},
			{"INTEGER", "-2147483648", "-2147483648"},
			{"BIGINT", "9223372036854775807", "9223372036854775807"},
			{"BIGINT", "-9223372036854775808", "-9223372036854775808"},
			{"DOUBLE", "0.1", "0.1"},
			{"DOUBLE", "0.1+0.2e0", "0.3"},
			{"DOUBLE", "0", "0"},
			{"DOUBLE", "100000", "100000"},
			{"DOUBLE", "1234567", "1234567"},
			{"DOUBLE", "123456789012345", "123456789012345"},
			{"DOUBLE", "1234567890123456e0", "1.23456789012346e+15"},
			{"DOUBLE", "1e300", "1e+300"},
			{"DOUBLE", "-1e-300", "-1e-300"},
			{"DOUBLE", "0.00001234", "1.234e-05"},
			{"DOUBLE", "1e0/3e0", "0.333333333333333"},
			{"BOOLEAN", "TRUE", "1"},
			{"BOOLEAN", "FALSE", "0"},
			{"DATETIME", "'2026-01-02 03:04:05'", "2026-01-02 03:04:05"},
			{"TIMESTAMP", "'2024-02-29 12:34:56'", "2024-02-29 12:34:56"},
			{"DATE", "'2024-02-29'", "2024-02-29"},
			{"TIME", "'03:04:05'", "03:04:05"},
			{"VARCHAR(20)", "'2026-01-02T03:04:05Z'", "2026-01-02T03:04:05Z"},
			{"CHAR(10)", "'a'", "a"},
			{"TEXT", "'1.0'", "1.0"},
			{"TEXT", "NULL", null},
			{"INTEGER", "NULL", null},
			{"DOUBLE", "NULL", null},
			{"DATETIME", "NULL", null},
			{"BLOB", "NULL", null},
			{"BLOB", "''", ""},
		} {
			if f.Pads && c.typ == "CHAR(10)" {
				c.want += strings.Repeat(" ", 9)
			}
			f.setup("CREATE TABLE [v] ([id] INTEGER, [c] "+c.typ+" NULL)", "INSERT INTO [v] VALUES (1, "+c.sql+")")
			f.wantRows(c.typ+" "+c.sql, f.multi(f.describe("v"), "id", "1"), "1|"+c.want)
			f.setup("DROP TABLE [v]")
		}
	},

	"an empty value is NULL in what is no text": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [empty] ([id] INTEGER NOT NULL, [i] INTEGER, [f] DOUBLE, [d] DATE, [dt] DATETIME, [t] VARCHAR(10))")
		table := f.describe("empty")
		if n, err := f.store(table, "id", "1", "i", "", "f", "", "d", "", "dt", "", "t", ""); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, plain(err))
		}
		f.wantRows("row", f.multi(table, "id", "1"), strings.Join([]string{"1", null, null, null, null, ""}, "|"))
	},
}
