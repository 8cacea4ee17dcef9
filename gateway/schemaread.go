package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"dbsep/sqlgen"
)

// A schemaRead is a read of one table's schema for all requests that wait for it. A client
// that leaves ends it only when nobody else waits.
type schemaRead struct {
	name    string
	began   time.Time
	cancel  func()
	waiting int // requests; the cache has the lock

	done  chan struct{} // closed when the result is there
	table *table
	err   error
}

// join returns the read of a table that is going on, or begins one.
func (c *schemaCache) join(ctx context.Context, name string) *schemaRead {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.reads[name]
	if r == nil {
		name = strings.Clone(name) // which is a part of a URL, and will be kept
		r = &schemaRead{name: name, began: c.now(), done: make(chan struct{})}
		if c.reads == nil {
			c.reads = make(map[string]*schemaRead)
		}
		c.reads[name] = r
		ctx, r.cancel = context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
		go c.run(ctx, r)
	}
	r.waiting++
	return r
}

// leave cancels a read that nobody waits for.
func (c *schemaCache) leave(r *schemaRead) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.waiting--; r.waiting == 0 {
		r.cancel()
		c.end(r)
	}
}

// end lets the next request begin another read. The caller holds the lock.
func (c *schemaCache) end(r *schemaRead) {
	if c.reads[r.name] == r {
		delete(c.reads, r.name)
	}
}

// run reads a schema and caches what comes of it.
func (c *schemaCache) run(ctx context.Context, r *schemaRead) {
	defer close(r.done)
	schema, err := c.describe(ctx, r.name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(r)
	var fault *sqlgen.Fault
	switch {
	case err == nil:
		r.table = c.keep(r.name, schema, r.began)
	case errors.As(err, &fault) && fault.Cause == sqlgen.UnknownTable:
		c.keepUnknown(r.name, unknownTable{err, r.began})
	}
	r.err = err
}

// describe is Describe, which it keeps from ending the process.
func (c *schemaCache) describe(ctx context.Context, name string) (schema *sqlgen.Table, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError(p)
		}
	}()
	schema, err = c.db.Describe(ctx, name)
	if err == nil && len(schema.Columns) > c.maxColumns {
		return nil, &Error{Code: TooManyColumns, Table: schema.Name}
	}
	return schema, err
}

// wait waits until the result is there. The error is that of a request that ends before.
func (r *schemaRead) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
	}
	why := context.Cause(ctx)
	if errors.Is(why, context.DeadlineExceeded) {
		return &sqlgen.Fault{Cause: sqlgen.Timeout, Err: why}
	}
	return &sqlgen.Fault{Cause: sqlgen.Canceled, Err: why}
}
