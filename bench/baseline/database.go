package main

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"sync"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
)

// A kind is what differs between databases.
type kind struct {
	driver        string
	reads, writes int    // connections, as many as dbsep opens; no writes: one pool serves both
	escape        string // behind a LIKE
	placeholder   func(n int) string
}

var kinds = map[string]kind{
	"SQLite":     {"sqlite3", 16, 1, ` ESCAPE '\'`, question},
	"MariaDB":    {"mysql", 16, 0, ` ESCAPE 0x5C`, question},
	"PostgreSQL": {"pgx", 16, 0, ``, func(n int) string { return "$" + strconv.Itoa(n) }},
}

func question(int) string { return "?" }

// A baseline serves the rows of a database.
type baseline struct {
	kind
	reads, writes *sql.DB
	prepared      sync.Map // SQL text → *statement
}

// A statement is prepared once.
type statement struct {
	*sql.Stmt
	once  sync.Once
	names [][]byte // "name=" of each column, once it has been run
}

func open(name, dsn string) (*baseline, error) {
	k, known := kinds[name]
	if !known {
		return nil, fmt.Errorf("no database is called %q", name)
	}
	f := &baseline{kind: k}
	var err error
	if f.reads, err = pool(k.driver, dsn, k.reads); err != nil {
		return nil, err
	}
	f.writes = f.reads
	if k.writes > 0 {
		f.writes, err = pool(k.driver, dsn, k.writes)
	}
	return f, err
}

func pool(driver, dsn string, connections int) (*sql.DB, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// prepare returns the statement of a text.
func (f *baseline) prepare(ctx context.Context, db *sql.DB, text string) (*statement, error) {
	if s, ok := f.prepared.Load(text); ok {
		return s.(*statement), nil
	}
	stmt, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s, _ := f.prepared.LoadOrStore(text, &statement{Stmt: stmt})
	return s.(*statement), nil
}
