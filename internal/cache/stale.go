package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// A LastGood database answers from its store while the database beneath cannot.
type LastGood struct {
	gateway.Database
	store *Store
	scope string
	rules *rules
	log   *slog.Logger

	away  atomic.Bool  // answers come from the store at present
	stale atomic.Int64 // how many have, in this outage
}

// Over returns a database that keeps its answers in the store, for the tables of
// rules. scope names the database, so that no other's answers are given for it.
func (s *Store) Over(db gateway.Database, scope string, rules []Rule, log *slog.Logger) *LastGood {
	return &LastGood{Database: db, store: s, scope: scope, rules: newRules(rules), log: log}
}

// Query answers from the database, or else from the store. An answer without a
// row is not kept: strangers may ask for telephones that there are not.
func (l *LastGood) Query(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error) error {
	rule, ok := l.rules.find(st.Table)
	if !ok {
		return l.Database.Query(ctx, st, row)
	}
	key := question(l.scope, st)
	writes := l.store.began(st.Table)
	answer := recording{most: int(l.store.most / 8)}
	begun, stopped := false, false
	err := l.Database.Query(ctx, st, func(columns [][]byte) error {
		begun = true
		answer.add(columns)
		err := row(columns)
		stopped = err != nil
		return err
	})
	switch {
	case err == nil && !begun || err == nil && answer.over:
		l.store.gone(key, st.Table, writes)
	case err == nil:
		l.store.keep(key, st, writes, answer.text)
	case !begun && !stopped && fails(err):
		return l.instead(ctx, key, rule.Age, row, err)
	}
	if err == nil {
		l.back()
	}
	return err
}

// fails tells whether a database could not answer, and not that it would not.
func fails(err error) bool {
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) {
		return false
	}
	switch fault.Cause {
	case sqlgen.Unavailable, sqlgen.Timeout, sqlgen.Busy:
		return true
	}
	return false
}

// instead answers from the store, or with the database's error.
func (l *LastGood) instead(ctx context.Context, key string, age time.Duration, row func(columns [][]byte) error, err error) error {
	text, old, ok := l.store.find(key, age)
	if !ok {
		return err
	}
	l.stale.Add(1)
	if l.away.CompareAndSwap(false, true) {
		l.log.Warn("the database cannot answer: last good answers are given out", slog.Duration("first", old.Round(time.Second)))
	}
	gateway.Stale(ctx, old)
	return replay(text, row)
}

// back notes that the database answers.
func (l *LastGood) back() {
	if l.away.Load() && l.away.CompareAndSwap(true, false) {
		l.log.Info("the database answers again", slog.Int64("last_good_answers", l.stale.Swap(0)))
	}
}

// Exec runs a write. What it may touch is dropped before it begins, since nobody
// can know what became of a write that failed.
func (l *LastGood) Exec(ctx context.Context, st sqlgen.Statement) (int64, error) {
	if _, ok := l.rules.find(st.Table); !ok {
		return l.Database.Exec(ctx, st)
	}
	l.store.touched(st)
	defer l.store.touched(st) // for reads that began in between
	return l.Database.Exec(ctx, st)
}

// Describe answers from the database, or else as it did last.
func (l *LastGood) Describe(ctx context.Context, name string) (*sqlgen.Table, error) {
	t, err := l.Database.Describe(ctx, name)
	switch {
	case err == nil:
		if _, ok := l.rules.find(t.Name); ok {
			l.store.describe(l.scope+" "+name, t)
		}
	case fails(err):
		if old := l.store.described(l.scope + " " + name); old != nil {
			return old, nil
		}
	}
	return t, err
}

// A description is a table as the file has it.
type description struct {
	Name, Schema string
	Columns      []sqlgen.Column
}

func (s *Store) describe(key string, t *sqlgen.Table) {
	text, err := json.Marshal(description{t.Name, t.Schema, t.Columns})
	if err != nil {
		return
	}
	if old := s.described(key); old != nil {
		if known, err := json.Marshal(description{old.Name, old.Schema, old.Columns}); err == nil && bytes.Equal(known, text) {
			return
		}
	}
	s.try("write a table", s.file.Update(func(tx *bbolt.Tx) error { return tx.Bucket(tablesBucket).Put([]byte(key), text) }))
}

func (s *Store) described(key string) *sqlgen.Table {
	var d description
	found := false
	s.try("read a table", s.file.View(func(tx *bbolt.Tx) error {
		text := tx.Bucket(tablesBucket).Get([]byte(key))
		found = text != nil && json.Unmarshal(text, &d) == nil
		return nil
	}))
	if !found {
		return nil
	}
	t := sqlgen.NewTable(d.Name, d.Columns)
	t.Schema = d.Schema
	return t
}

// oldest sorts questions by when they were answered last.
func oldest(all map[string]*known) []string {
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int { return all[a].At.Compare(all[b].At) })
}
