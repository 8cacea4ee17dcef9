package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// queueLog is a table of which one column has a width, and one another class.
func queueLog(width int) *sqlgen.Table {
	return sqlgen.NewTable("queue_log", []sqlgen.Column{
		{Name: "time", Class: sqlgen.Integer, Type: "integer", Size: 4},
		{Name: "Data1", Class: sqlgen.Text, Type: fmt.Sprintf("varchar(%d)", width), Size: width},
		{Name: "data2", Class: sqlgen.Text, Type: "text"},
	})
}

func withQueueLog(width int) *script {
	db := newScript()
	db.tables["queue_log"] = queueLog(width)
	return db
}

const (
	narrowLine = `column=data1 reason="is varchar(10), too narrow for char:20" hint="ALTER TABLE \"queue_log\" MODIFY \"Data1\" CHAR"`
	classLine  = `column=time reason="is integer, of the wrong class for datetime:26" hint="ALTER TABLE \"queue_log\" MODIFY \"time\" DATETIME"`
	absentLine = `column=data3 reason="is missing" hint="ALTER TABLE \"queue_log\" ADD \"data3\" CHAR"`

	narrowAndClassLine = `column="time, data1" reason="is integer, of the wrong class for datetime:26; is varchar(10), too narrow for char:20" ` +
		`hint="ALTER TABLE \"queue_log\" MODIFY \"time\" DATETIME; ALTER TABLE \"queue_log\" MODIFY \"Data1\" CHAR"`
	narrowAndAbsentLine = `column="data1, data3" reason="is varchar(10), too narrow for char:20; is missing" ` +
		`hint="ALTER TABLE \"queue_log\" MODIFY \"Data1\" CHAR; ALTER TABLE \"queue_log\" ADD \"data3\" CHAR"`
)

func TestRequire(t *testing.T) {
	for _, test := range []struct {
		name, body string
		text, json string // the responses
		code       gateway.Code
		line       string // of the log
	}{
		{"all is there", "data1=char:10&data2=char:200", "0\n", `{"met":true}`, "", ""},
		{"a column is too narrow", "data1=char:20&data2=char:20", "0\n",
			`{"met":true,"warnings":[{"column":"data1","reason":"is varchar(10), too narrow for char:20"}]}`, "", narrowLine},
		{"a column is of another class", "time=datetime:26", "0\n",
			`{"met":true,"warnings":[{"column":"time","reason":"is integer, of the wrong class for datetime:26"}]}`, "", classLine},
		{"two columns fall short", "time=datetime:26&data1=char:20", "0\n",
			`{"met":true,"warnings":[{"column":"time","reason":"is integer, of the wrong class for datetime:26"},{"column":"data1","reason":"is varchar(10), too narrow for char:20"}]}`,
			"", narrowAndClassLine},
		{"a column is missing", "data2=char:20&data3=char:20", "-1\n", "", gateway.RequirementNotMet, absentLine},
		{"a column is missing and one is too narrow", "data1=char:20&data3=char:20", "-1\n", "", gateway.RequirementNotMet, narrowAndAbsentLine},
		{"nothing is required", "", "-1\n", "", gateway.BadRequirement, "hint=\"name at least one column\""},
		{"a requirement cannot be read", "data1=x", "-1\n", "", gateway.BadRequirement, "column=data1 hint=\"send type:size"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := send(t, withQueueLog(10), gateway.Options{}, post("/queue_log/require", test.body))
			if got.body != test.text || got.status != 200 || got.code != string(test.code) {
				t.Errorf("%+v", got)
			}
			lines := 1
			if test.line == "" {
				lines = 0
			}
			if strings.Count(got.log, "\n") != lines || strings.Count(got.log, " column=") > 1 || !strings.Contains(got.log, test.line) {
				t.Errorf("the log is not a line with %s:\n%s", test.line, got.log)
			}
			object := send(t, withQueueLog(10), gateway.Options{}, asJSON(post("/queue_log/require", test.body)))
			switch {
			case test.json != "" && (object.body != test.json+"\n" || object.status != 200 || object.code != ""):
				t.Errorf("JSON: %+v", object)
			case test.json == "" && (object.status < 400 || !strings.Contains(object.body, `{"error":{"code":"`+string(test.code)+`"`)):
				t.Errorf("JSON: %+v", object)
			}
		})
	}
	got := send(t, newScript(), gateway.Options{}, post("/nosuch/require", "data1=char:20"))
	if got.body != "-1\n" || got.status != 200 || got.code != "unknown-table" {
		t.Errorf("a missing table: %+v", got)
	}
}

// TestRequireWhileNobodyKnowsTheTable shows what require says while the table
// cannot be looked at. A -1 would make Asterisk's queue log give up its columns.
func TestRequireWhileNobodyKnowsTheTable(t *testing.T) {
	away := func(cause sqlgen.Cause) *script {
		db := newScript()
		db.describe = &sqlgen.Fault{Cause: cause, Err: errors.New("the database's own words")}
		return db
	}
	for name, test := range map[string]struct {
		db     gateway.Database
		code   string
		status int
	}{
		"unavailable":  {away(sqlgen.Unavailable), "unavailable", 503},
		"busy":         {away(sqlgen.Busy), "busy", 503},
		"timeout":      {away(sqlgen.Timeout), "timeout", 503},
		"denied":       {away(sqlgen.Denied), "denied", 500},
		"read-only":    {away(sqlgen.ReadOnly), "read-only", 503},
		"full":         {away(sqlgen.Full), "full", 503},
		"internal":     {away(sqlgen.Unexpected), "internal", 500},
		"unusable":     {gateway.Unusable(errors.New("dsn: mistake")), "unavailable", 503},
		"a panic":      {panics{newScript()}, "internal", 500},
		"another kind": {otherError{newScript()}, "internal", 500},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, test.db, gateway.Options{}, post("/queue_log/require", "data1=char:20"))
			if got.body != "0\n" || got.status != 200 || got.code != test.code || strings.Count(got.log, "\n") != 1 || !strings.Contains(got.log, "level=ERROR") {
				t.Errorf("%+v", got)
			}
			object := send(t, test.db, gateway.Options{}, asJSON(post("/queue_log/require", "data1=char:20")))
			if object.status != test.status || object.code != test.code || !strings.Contains(object.body, `{"error":{"code":"`+test.code+`"`) {
				t.Errorf("JSON: %+v", object)
			}
		})
	}
}

type panics struct{ *script }

func (panics) Describe(context.Context, string) (*sqlgen.Table, error) { panic("our own fault") }

type otherError struct{ *script }

func (otherError) Describe(context.Context, string) (*sqlgen.Table, error) {
	return nil, errors.New("no fault of a known kind")
}

// TestRequireWarnsOncePerColumnAndSchema sends a require before each event, as
// Asterisk does, for an hour.
func TestRequireWarnsOncePerColumnAndSchema(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, log := withQueueLog(10), new(logBuffer)
		g := gateway.New(db, gateway.Options{Log: log.logger(), SchemaTTL: time.Minute})
		events := func(answer string, lines int) {
			t.Helper()
			for n := range 1800 {
				if got := serve(t, g, post("/queue_log/require", fmt.Sprintf("data1=char:%d&time=datetime:26", 20+n))); got != answer {
					t.Fatalf("%q", got)
				}
				time.Sleep(2 * time.Second)
			}
			if n := strings.Count(log.String(), "\n"); n != lines {
				t.Fatalf("%d lines, want %d:\n%s", n, lines, log)
			}
		}
		events("0\n", 1)
		if db.described > 1801 {
			t.Errorf("the schema was read %d times for 1800 requests", db.described)
		}
		db.tables["queue_log"] = queueLog(11)
		events("0\n", 2)
		db.tables["queue_log"] = queueLog(0)
		events("0\n", 3) // only the other column still falls short
		db.describe = &sqlgen.Fault{Cause: sqlgen.Unavailable}
		time.Sleep(time.Minute)
		if got := serve(t, g, post("/queue_log/require", "data1=char:1")); got != "0\n" {
			t.Errorf("the database is away: %q", got)
		}
		db.describe = nil
		events("0\n", 4) // and the line of the outage
	})
}

// TestLeftOutColumnIsWarnedOfOncePerSchema does so with a column that the table
// does not have.
func TestLeftOutColumnIsWarnedOfOncePerSchema(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, log := newScript(), new(logBuffer)
		g := gateway.New(db, gateway.Options{Log: log.logger(), SchemaTTL: time.Minute})
		for range 1000 {
			serve(t, g, post("/peers/update?id=a", "port=1&regserver=x"))
			time.Sleep(2 * time.Second)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%d lines:\n%s", n, log)
		}
		db.tables["peers"] = textTable("peers", "id", "#port", "new")
		time.Sleep(time.Minute)
		serve(t, g, post("/peers/update?id=a", "port=1&regserver=x"))
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("after a change of the schema %d lines:\n%s", n, log)
		}
	})
}

// TestWarningsOfMadeUpColumnsAreLimited sends ever other names.
func TestWarningsOfMadeUpColumnsAreLimited(t *testing.T) {
	log := new(logBuffer)
	g := gateway.New(newScript(), gateway.Options{Log: log.logger()})
	for n := range 3000 {
		serve(t, g, post("/peers/update?id=a", fmt.Sprintf("port=1&made_up_%d=x", n)))
	}
	if n := strings.Count(log.String(), "\n"); n != 1000 {
		t.Errorf("%d lines", n)
	}
}

// TestRequireNamesSomeColumnsAtATime requires more columns than a line of the log names.
func TestRequireNamesSomeColumnsAtATime(t *testing.T) {
	var columns []string
	for n := range 15 {
		columns = append(columns, fmt.Sprintf("#column%02d", n))
	}
	db, log := newScript(), new(logBuffer)
	db.tables["numbers"] = textTable("numbers", columns...)
	g := gateway.New(db, gateway.Options{Log: log.logger()})
	body := strings.ReplaceAll(strings.Join(columns, "=char:10&"), "#", "") + "=char:10"
	for _, want := range []int{10, 15, 15} {
		if got := serve(t, g, post("/numbers/require", body)); got != "0\n" {
			t.Fatalf("%q", got)
		}
		if named := strings.Count(log.String(), "MODIFY"); named != want {
			t.Errorf("%d columns are named, want %d:\n%s", named, want, log)
		}
	}
}

// TestRequireSeesAWiderColumnWithinASecond shows that no column is called too narrow that
// is wide enough by now.
func TestRequireSeesAWiderColumnWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, log := withQueueLog(10), new(logBuffer)
		g := gateway.New(db, gateway.Options{Log: log.logger()})
		serve(t, g, post("/queue_log/require", "data1=char:10"))
		db.tables["queue_log"] = queueLog(20)
		time.Sleep(time.Second)
		if got := serve(t, g, asJSON(post("/queue_log/require", "data1=char:20"))); got != `{"met":true}`+"\n" || log.String() != "" {
			t.Errorf("%q\n%s", got, log)
		}
	})
}

// TestRequireSeesANewColumnWithinASecond widens and adds columns.
func TestRequireSeesANewColumnWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := withQueueLog(10)
		g := gateway.New(db, gateway.Options{})
		request := func() *http.Request { return asJSON(post("/queue_log/require", "data1=char:20&data3=char:20")) }
		if got := serve(t, g, request()); !strings.Contains(got, "requirement-not-met") {
			t.Errorf("%q", got)
		}
		wide := queueLog(20)
		db.tables["queue_log"] = sqlgen.NewTable("queue_log", append(wide.Columns, sqlgen.Column{Name: "data3", Class: sqlgen.Text, Type: "text"}))
		time.Sleep(time.Second)
		if got := serve(t, g, request()); got != `{"met":true}`+"\n" {
			t.Errorf("%q", got)
		}
	})
}
