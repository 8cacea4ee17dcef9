package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// An alterable is a table of which columns can be added.
type alterable struct {
	*script
	mu     sync.Mutex
	ran    []string
	err    error            // of Alter
	before func(*alterable) // each statement
}

func newAlterable() *alterable { return &alterable{script: withQueueLog(10)} }

// add adds a text column to the table.
func (a *alterable) add(name string) {
	old := a.tables["queue_log"]
	a.tables["queue_log"] = sqlgen.NewTable("queue_log", append(slices.Clone(old.Columns), sqlgen.Column{Name: name, Class: sqlgen.Text, Type: "text"}))
}

// alter runs `ALTER TABLE "queue_log" ADD "NAME" CHAR`.
func (a *alterable) alter(_ context.Context, statement string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ran = append(a.ran, statement)
	if a.before != nil {
		a.before(a)
	}
	if a.err != nil {
		return a.err
	}
	a.add(strings.Split(statement, `"`)[3])
	return nil
}

func (a *alterable) Describe(ctx context.Context, table string) (*sqlgen.Table, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.script.Describe(ctx, table)
}

func (a *alterable) options(p gateway.RequirePolicy, authorizer gateway.Authorizer) gateway.Options {
	o := forTables(gateway.TableOptions{Require: p})
	o.Alter, o.Authorizer = a.alter, authorizer
	return o
}

const (
	addData3 = `ALTER TABLE "queue_log" ADD "data3" CHAR`
	addData4 = `ALTER TABLE "queue_log" ADD "data4" CHAR`
)

func TestRequirePolicies(t *testing.T) {
	writer, reader := &rights{read: true, write: true}, &rights{read: true}
	some := &rights{read: true, write: true, columns: []string{"data2"}}
	client := func(r *rights) gateway.Authorizer { return withRights(map[string]*rights{"queue_log": r}) }
	denied := &sqlgen.Fault{Cause: sqlgen.Denied, Err: errors.New("the database's own words")}
	for _, test := range []struct {
		name, body string
		policy     gateway.RequirePolicy
		client     gateway.Authorizer
		err        error            // of ALTER TABLE
		before     func(*alterable) // ALTER TABLE
		response   string
		ran        []string
		log        string // a part of it
	}{
		{"warn: narrow", "data1=char:20", gateway.WarnOfNarrow, nil, nil, nil, "0\n", nil, narrowLine},
		{"warn: missing", "data3=char:20", gateway.WarnOfNarrow, nil, nil, nil, "-1\n", nil, absentLine},
		{"fail: narrow", "data1=char:20", gateway.FailNarrow, nil, nil, nil, "-1\n", nil, narrowLine},
		{"fail: another class", "time=datetime:26", gateway.FailNarrow, nil, nil, nil, "-1\n", nil, classLine},
		{"fail: missing", "data3=char:20", gateway.FailNarrow, nil, nil, nil, "-1\n", nil, absentLine},
		{"fail: all is there", "data1=char:5", gateway.FailNarrow, nil, nil, nil, "0\n", nil, ""},

		{"alter: all is there", "data2=char:20", gateway.AddMissing, nil, nil, nil, "0\n", nil, ""},
		{"alter: narrow", "data1=char:20", gateway.AddMissing, nil, nil, nil, "0\n", nil, narrowLine},
		{"alter: missing", "data3=char:20", gateway.AddMissing, nil, nil, nil, "0\n", []string{addData3},
			`msg="a column was added to the table, as the setting require says" operation=require table=queue_log client=192.0.2.1 column=data3 hint="ALTER TABLE`},
		{"alter: missing twice in one request", "data3=char:20&DATA3=char:30", gateway.AddMissing, nil, nil, nil, "0\n", []string{addData3}, "column=data3"},
		{"alter: two are missing, and one is narrow", "data3=char:20&data1=char:20&data4=char:20", gateway.AddMissing, nil, nil, nil, "0\n",
			[]string{addData3, addData4}, "added-column=\"data3, data4\""},
		{"alter: a client with the right to write", "data3=char:20", gateway.AddMissing, client(writer), nil, nil, "0\n", []string{addData3}, "column was added"},
		{"alter: a client without it", "data3=char:20", gateway.AddMissing, client(reader), nil, nil, "-1\n", nil, absentLine},
		{"alter: a client with some columns", "data3=char:20", gateway.AddMissing, client(some), nil, nil, "-1\n", nil, absentLine},
		{"alter: a name that is none", "data3+%2D%2D+x=char:20", gateway.AddMissing, nil, nil, nil, "-1\n", nil, "is missing"},
		{"alter: a quote in the name", "da%22ta=char:20", gateway.AddMissing, nil, nil, nil, "-1\n", nil, "is missing"},
		{"alter: a type that is none", "data3=char", gateway.AddMissing, nil, nil, nil, "-1\n", nil, "bad-requirement"},
		{"alter: the account may not", "data3=char:20", gateway.AddMissing, nil, denied, nil, "-1\n", []string{addData3},
			`reason="is missing, and could not be added: the database account may not do this" hint="ALTER TABLE`},
		{"alter: the database is unavailable", "data3=char:20", gateway.AddMissing, nil, &sqlgen.Fault{Cause: sqlgen.Unavailable}, nil, "0\n", []string{addData3}, "code=unavailable"},
		{"alter: another process was quicker", "data3=char:20", gateway.AddMissing, nil, &sqlgen.Fault{Cause: sqlgen.Unexpected},
			func(a *alterable) { a.add("data3") }, "0\n", []string{addData3}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAlterable()
			a.err, a.before = test.err, test.before
			got := send(t, a, a.options(test.policy, test.client), post("/queue_log/require", test.body))
			if got.body != test.response || got.status != 200 {
				t.Errorf("%+v", got)
			}
			if !slices.Equal(a.ran, test.ran) {
				t.Errorf("ran %q, want %q", a.ran, test.ran)
			}
			if !strings.Contains(got.log, test.log) || strings.Contains(got.log, "own words") || test.log == "" && strings.Contains(got.log, "data1") {
				t.Errorf("the log is not a line with %s:\n%s", test.log, got.log)
			}
		})
	}
}

// TestAddedColumnCanBeWrittenAtOnce also requires the same of many clients at once: the
// column is added for one of them.
func TestAddedColumnCanBeWrittenAtOnce(t *testing.T) {
	a := newAlterable()
	a.affected = 1
	o := a.options(gateway.AddMissing, nil)
	o.Log = new(logBuffer).logger()
	g := gateway.New(a, o)
	var all sync.WaitGroup
	for client := range 40 {
		all.Go(func() {
			if got := serve(t, g, post("/queue_log/require", fmt.Sprintf("data3=char:20&data%d=char:20", 4+client%4))); got != "0\n" {
				t.Errorf("%q", got)
			}
		})
	}
	all.Wait()
	slices.Sort(a.ran)
	if len(a.ran) != 5 || len(slices.Compact(a.ran)) != 5 {
		t.Errorf("ran %q", a.ran)
	}
	if got := serve(t, g, post("/queue_log/store", "time=1&data3=x&data7=y")); got != "1\n" {
		t.Errorf("store: %q", got)
	}
}

func TestExplanationAddsNoColumn(t *testing.T) {
	a := newAlterable()
	x := gateway.ExplainRequest(a, a.options(gateway.AddMissing, nil), httptest.NewRecorder(), post("/queue_log/require", "data3=char:20"))
	if len(a.ran) > 0 || x.Err != nil || len(x.Statements) != 1 || x.Statements[0].SQL != addData3 || !x.Statements[0].Writes {
		t.Errorf("ran %q: %+v", a.ran, x)
	}
}
