package gateway_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// An outage is a database whose first failures queries fail, and that keeps rows.
type outage struct {
	*script
	failures *int
	stale    [][]byte // the values of the only column of peers, in rows of four
	failure  error    // of the stale rows
}

func (o outage) Query(ctx context.Context, s sqlgen.Statement, row func([][]byte) error) error {
	if *o.failures--; *o.failures >= 0 {
		return &sqlgen.Fault{Cause: sqlgen.Unavailable}
	}
	return o.script.Query(ctx, s, row)
}

func (o outage) StaleRows(_ sqlgen.Statement, failure error) (gateway.StaleRows, bool) {
	var fault *sqlgen.Fault
	if !errors.As(failure, &fault) || fault.Cause != sqlgen.Unavailable || o.stale == nil && o.failure == nil {
		return gateway.StaleRows{}, false
	}
	return gateway.StaleRows{Age: 90 * time.Second, Each: func(row func([][]byte) error) error {
		for _, id := range o.stale {
			if err := row([][]byte{id, nil, nil, nil}); err != nil {
				return err
			}
		}
		return o.failure
	}}, true
}

func TestStaleResponse(t *testing.T) {
	long := strings.Split(strings.Repeat("x", 200_000), "")
	var many [][]byte
	for _, id := range long {
		many = append(many, []byte(id))
	}
	changed := &sqlgen.Fault{Cause: sqlgen.UnknownColumn, Err: errors.New("changed")}
	for name, test := range map[string]struct {
		failures int
		rows     [][]any
		stale    [][]byte
		failure  error
		header   string
		body     string
	}{
		"the database responds":            {0, [][]any{{"new", nil, nil, nil}}, [][]byte{[]byte("old")}, nil, "", "id=new\n"},
		"the database is unavailable":      {1, nil, [][]byte{[]byte("old")}, nil, "90", "id=old\n"},
		"more than a chunk":                {1, nil, many, nil, "90", strings.Repeat("id=x\n", len(many))},
		"no rows are kept":                 {1, nil, nil, nil, "", ""},
		"the second attempt is not marked": {1, [][]any{{"new", nil, nil, nil}}, nil, changed, "", "id=new\n"},
	} {
		for _, json := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				failures := test.failures
				db := outage{newScript(), &failures, test.stale, test.failure}
				db.rows = test.rows
				r := post("/peers/multi", "id=a")
				if json {
					r = asJSON(r)
				}
				var event gateway.Event
				w := httptest.NewRecorder()
				gateway.New(db, gateway.Options{Observe: func(e gateway.Event) { event = e }}).ServeHTTP(w, r)
				if got := w.Header().Get("X-Dbsep-Stale"); got != test.header || event.Stale != (test.header != "") {
					t.Errorf("X-Dbsep-Stale is %q, the event says %v", got, event.Stale)
				}
				if !json && w.Body.String() != test.body {
					t.Errorf("%d bytes: %.40q", w.Body.Len(), w.Body)
				}
			})
		}
	}
}
