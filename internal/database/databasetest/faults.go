package databasetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"dbsep/sqlgen"
)

var faults = map[string]func(*testing.T, *fixture){
	"a second row of one key is a duplicate": func(t *testing.T, f *fixture) {
		_, err := f.store(f.peers(), "name", "alice")
		if f.Undivided {
			f.wantFault("store", err, sqlgen.Constraint)
			return
		}
		f.wantFault("store", err, sqlgen.Duplicate)
	},

	"a missing value breaks a constraint": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [n] ([id] INTEGER, [must] VARCHAR(10) NOT NULL, [some] INTEGER CHECK ([some] > 0))")
		table := f.describe("n")
		_, err := f.store(table, "id", "1")
		f.wantFault("NOT NULL", err, sqlgen.Constraint)
		_, err = f.store(table, "id", "1", "must", "x", "some", "0")
		f.wantFault("CHECK", err, sqlgen.Constraint)
	},

	"a value that does not fit is reported": func(t *testing.T, f *fixture) {
		if !f.Widths {
			t.Skip("no widths are enforced")
		}
		f.setup("CREATE TABLE [narrow] ([i] SMALLINT, [t] VARCHAR(3), [d] DATE)")
		table := f.describe("narrow")
		for column, value := range map[string]string{"i": "100000", "t": "four", "d": "2026-02-31"} {
			_, err := f.store(table, column, value)
			f.wantFault(column+" "+value, err, sqlgen.BadValue)
		}
		for column, value := range map[string]string{"i": "x", "t": "\xff\xfe", "d": "soon"} {
			_, err := f.store(table, column, value)
			f.wantFault(column+" "+value, err, sqlgen.BadValue)
		}
	},

	"a column that is gone is reported": func(t *testing.T, f *fixture) {
		peers := f.peers()
		read, err := sqlgen.Multi(f.DB.Dialect(), peers, fields("name", "alice"))
		f.rows(read, err)
		find, err := sqlgen.Multi(f.DB.Dialect(), peers, fields("context", "context"))
		f.rows(find, err)
		update, err := sqlgen.Update(f.DB.Dialect(), peers, fields("name", "alice"), fields("context", "x"))
		f.exec(update, err)
		f.setup("ALTER TABLE [peers] DROP COLUMN [context]")
		f.wantFault("read", query(t.Context(), f.DB, read), sqlgen.UnknownColumn)
		f.wantFault("find", query(t.Context(), f.DB, find), sqlgen.UnknownColumn)
		_, err = f.DB.Exec(t.Context(), update)
		f.wantFault("update", err, sqlgen.UnknownColumn)
		f.wantRows("described again", f.multi(f.describe("peers"), "name", "alice"), "alice|5060|0.5")
	},

	"a table that is gone is reported": func(t *testing.T, f *fixture) {
		peers := f.peers()
		read, err := sqlgen.Multi(f.DB.Dialect(), peers, fields("name", "alice"))
		f.rows(read, err)
		f.setup("DROP TABLE [peers]")
		f.wantFault("read", query(t.Context(), f.DB, read), sqlgen.UnknownTable)
		_, err = f.store(peers, "name", "x")
		f.wantFault("store", err, sqlgen.UnknownTable)
		_, err = f.DB.Describe(t.Context(), "peers")
		f.wantFault("describe", err, sqlgen.UnknownTable)
	},

	"a new column is seen by statements in use": func(t *testing.T, f *fixture) {
		peers := f.peers()
		for range 3 {
			f.wantRows("before", f.multi(peers, "name", "carol"), "carol|"+null+"|900|2")
		}
		f.setup("ALTER TABLE [peers] ADD COLUMN [extra] VARCHAR(10) DEFAULT 'new'")
		f.wantRows("old statement", f.multi(peers, "name", "carol"), "carol|"+null+"|900|2")
		f.wantRows("new statement", f.multi(f.describe("peers"), "name", "carol"), "carol|"+null+"|900|2|new")
	},

	"the deadline of a context is a timeout": func(t *testing.T, f *fixture) {
		peers := f.peers()
		unlock := f.Lock("peers")
		defer unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		f.wantFault("update", f.touch(ctx, peers), sqlgen.Timeout)
	},

	"a context that is over ends a statement before it begins": func(t *testing.T, f *fixture) {
		peers := f.peers()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		f.wantFault("canceled", f.touch(gone, peers), sqlgen.Canceled)
		late, cancel := context.WithDeadline(t.Context(), time.Now())
		defer cancel()
		f.wantFault("too late", f.touch(late, peers), sqlgen.Timeout)
		_, err := f.DB.Describe(gone, "peers")
		f.wantFault("describe", err, sqlgen.Canceled)
		f.wantFault("ping", f.DB.Ping(gone), sqlgen.Canceled)
	},

	"a canceled context ends a statement that waits": func(t *testing.T, f *fixture) {
		peers := f.peers()
		unlock := f.Lock("peers")
		defer unlock()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		f.wantFault("update", f.touch(ctx, peers), sqlgen.Canceled)
	},

	"the cause of a context decides": func(t *testing.T, f *fixture) {
		peers := f.peers()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(context.DeadlineExceeded)
		f.wantFault("a deadline", f.touch(ctx, peers), sqlgen.Timeout)
		ctx, cancel = context.WithCancelCause(t.Context())
		cancel(&sqlgen.Fault{Cause: sqlgen.Unavailable})
		f.wantFault("a Fault", f.touch(ctx, peers), sqlgen.Unavailable)
	},

	"a lock that lasts is busy, one that ends is waited for": func(t *testing.T, f *fixture) {
		peers := f.peers()
		unlock := f.Lock("peers")
		f.wantFault("lasting", f.touch(t.Context(), peers), sqlgen.Busy)
		released := time.AfterFunc(100*time.Millisecond, unlock)
		defer released.Stop()
		if err := f.touch(t.Context(), peers); err != nil {
			t.Error(plain(err))
		}
	},

	"an error of the caller ends the query and comes back": func(t *testing.T, f *fixture) {
		peers := f.peers()
		stop := errors.New("enough")
		s, err := sqlgen.Multi(f.DB.Dialect(), peers, fields("name LIKE", "%"))
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		err = f.DB.Query(t.Context(), s, func([][]byte) error {
			calls++
			return stop
		})
		if err != stop || calls != 1 {
			t.Errorf("%v after %d calls", err, calls)
		}
		f.wantRows("the next query", f.multi(peers, "name", "alice"), "alice|internal|5060|0.5")
	},

	"a closed database returns a fault": func(t *testing.T, f *fixture) {
		peers := f.peers()
		f.DB.Close()
		var fault *sqlgen.Fault
		if err := f.touch(t.Context(), peers); !errors.As(err, &fault) {
			t.Errorf("%v", err)
		}
	},
}

// touch updates a row.
func (f *fixture) touch(ctx context.Context, peers *sqlgen.Table) error {
	s, err := sqlgen.Update(f.DB.Dialect(), peers, fields("name", "alice"), fields("port", "1"))
	if err != nil {
		f.t.Fatal(err)
	}
	_, err = f.DB.Exec(ctx, s)
	return err
}
