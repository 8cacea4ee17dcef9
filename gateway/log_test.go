package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// slowDatabase takes two seconds for each statement.
type slowDatabase struct{ *script }

func (db slowDatabase) Exec(ctx context.Context, s sqlgen.Statement) (int64, error) {
	time.Sleep(2 * time.Second)
	return db.script.Exec(ctx, s)
}

func TestRequestHasOneLogLine(t *testing.T) {
	cut := strings.Repeat("x", 250) + "%C3"
	for _, test := range []struct {
		name string
		r    *http.Request
		err  error // of the database
		slow bool
		want string // of the line, after the client; empty: no line
	}{
		{"nothing to say", post("/peers/update?id=a", "port=1"), nil, false, ``},
		{"many columns are left out", post("/peers/update?id=a", "port=1&"+fields(511)), nil, false,
			`level=WARN msg="a value was left out: the table has no such column" operation=update table=peers client=192.0.2.1 ` +
				`column="made_up_0, made_up_1, made_up_2, made_up_3, made_up_4, made_up_5, made_up_6, made_up_7, made_up_8, made_up_9" ` +
				`hint="add the column, or ignore this if Asterisk does not need it"`},
		{"a value is cut, too", post("/peers/update?id=a", "port=1&contact="+cut+"&nope=1"), nil, false,
			`level=WARN msg="the half character at the end of a value was removed: the client has cut the value" operation=update table=peers client=192.0.2.1 ` +
				`column=contact hint="shorten the value: Asterisk's driver sends 255 bytes of an encoded value, or 199" left-out-column=nope`},
		{"the database fails, too", post("/peers/update?id=a", "port=1&nope=1"), &sqlgen.Fault{Cause: sqlgen.Full}, false,
			`level=ERROR msg="the database has no space left" code=full operation=update table=peers client=192.0.2.1 ` +
				`hint="free space on the database's disk" left-out-column=nope`},
		{"it takes long, too", post("/peers/update?id=a", "port=1&nope=1"), nil, true,
			`level=WARN msg="slow request" operation=update table=peers client=192.0.2.1 status=200 rows=1 bytes=2 seconds=2 fields="id, port, nope" explain="dbsep explain peers/update id= --set port= --set nope=" left-out-column=nope`},
		{"it takes long and fails", post("/peers/update?id=a", "port=1"), &sqlgen.Fault{Cause: sqlgen.Full}, true,
			`level=ERROR msg="the database has no space left" code=full operation=update table=peers client=192.0.2.1 hint="free space on the database's disk" seconds=2`},
		{"the client is gone", post("/peers/update?id=a", "port=1"), &sqlgen.Fault{Cause: sqlgen.Canceled}, false, ``},
		{"the client is gone, and a value is left out", post("/peers/update?id=a", "port=1&nope=1"), &sqlgen.Fault{Cause: sqlgen.Canceled}, false,
			`level=WARN msg="a value was left out: the table has no such column" code=client-gone operation=update table=peers client=192.0.2.1 ` +
				`column=nope hint="add the column, or ignore this if Asterisk does not need it"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, db := new(logBuffer), newScript()
				db.err = test.err
				var g *gateway.Gateway
				if test.slow {
					g = gateway.New(slowDatabase{db}, gateway.Options{Log: log.logger()})
				} else {
					g = gateway.New(db, gateway.Options{Log: log.logger()})
				}
				respond(g, test.r)
				want := ""
				if test.want != "" {
					want = log.String()[:len("time=2000-01-01T00:00:00.000Z ")] + test.want + "\n"
				}
				if got := log.String(); got != want {
					t.Errorf("\ngot  %s\nwant %s", got, want)
				}
			})
		})
	}
}

func TestSlowIsMoreThanTheLimit(t *testing.T) {
	for _, err := range []error{nil, &sqlgen.Fault{Cause: sqlgen.Full}} {
		for slow, want := range map[time.Duration]bool{2 * time.Second: false, 2*time.Second - 1: true} {
			synctest.Test(t, func(t *testing.T) {
				db, log := newScript(), new(logBuffer)
				db.err = err
				respond(gateway.New(slowDatabase{db}, gateway.Options{Log: log.logger(), Slow: slow}), post("/peers/update?id=a", "port=1"))
				if got := strings.Contains(log.String(), " seconds=2"); got != want {
					t.Errorf("limit %v, database: %v: the log says %q", slow, err, log)
				}
			})
		}
	}
}

func TestSlowRequestNamesSomeFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(logBuffer)
		respond(gateway.New(slowDatabase{newScript()}, gateway.Options{Log: log.logger()}), post("/peers/update?id=a", "port=1&"+fields(20)))
		if want := `fields="id, port, made_up_0, made_up_1, made_up_2, made_up_3, made_up_4, made_up_5, made_up_6, made_up_7"`; !strings.Contains(log.String(), want) {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestNameOfARequest(t *testing.T) {
	long := strings.Repeat("x", 64)
	for id, want := range map[string]string{"!a-1~": "!a-1~", long: long, long + "x": "", "a b": "", "a\tb": "", "a\x7f": "", "é": ""} {
		r := post("/peers/single", "id=a")
		r.Header.Set("X-Request-Id", id)
		var event gateway.Event
		send(t, newScript(), gateway.Options{Observe: func(e gateway.Event) { event = e }}, r)
		if event.ID != want {
			t.Errorf("%q became %q", id, event.ID)
		}
	}
}

// fields are so many fields of made-up names.
func fields(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("made_up_%d=1", i)
	}
	return strings.Join(all, "&")
}

func TestOnlyNamesAreLogged(t *testing.T) {
	for sent, want := range map[string]string{
		"regserver":                    "regserver",
		"max-limit":                    "max-limit",
		"%40ext":                       "@ext",
		"startTime%3C%3D%20":           `"startTime<= "`,
		"gr%C3%B6%C3%9Fe":              "größe",
		"%7B%22id%22%3A%22alice%22%7D": `"(14 bytes)"`,
		"a%27b":                        `"(3 bytes)"`,
		"a%0Ab":                        `"(3 bytes)"`,
		"a%FFb":                        `"(3 bytes)"`,
		strings.Repeat("x", 65):        `"(65 bytes)"`,
	} {
		got := send(t, newScript(), gateway.Options{}, post("/peers/store", sent+"=1"))
		if !strings.Contains(got.log, " column="+want+" ") {
			t.Errorf("%s: %s", sent, got.log)
		}
	}
	got := send(t, newScript(), gateway.Options{}, asJSON(post("/peers/single", `{"id":"alice"}`)))
	if strings.Contains(got.body, "alice") || !strings.Contains(got.body, `"column":"(14 bytes)"`) {
		t.Error(got.body)
	}
	got = send(t, newScript(), gateway.Options{}, post("/peers/require", `a"b=char:10`))
	if strings.Contains(got.log, `a\"b`) || !strings.Contains(got.log, `column="(3 bytes)"`) {
		t.Error(got.log)
	}
}
