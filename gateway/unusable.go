package gateway

import (
	"context"

	"dbsep/sqlgen"
)

// Unusable returns a Database for a gateway whose real one cannot be had, for
// instance because its configuration is wrong: every request fails in the way
// that is safe for its operation. A CGI program has nothing else to answer with.
func Unusable(why error) Database { return unusable{why} }

type unusable struct{ why error }

func (u unusable) fault() error {
	return &sqlgen.Fault{Cause: sqlgen.Unavailable, Remedy: "correct the configuration; dbsep check reports what is wrong", Err: u.why}
}

func (u unusable) Dialect() *sqlgen.Dialect { return &sqlgen.Dialect{} }

func (u unusable) Describe(context.Context, string) (*sqlgen.Table, error) { return nil, u.fault() }

func (u unusable) Keys(context.Context, *sqlgen.Table) ([][]string, error) { return nil, u.fault() }

func (u unusable) Query(context.Context, sqlgen.Statement, func([][]byte) error) error {
	return u.fault()
}

func (u unusable) Exec(context.Context, sqlgen.Statement) (int64, error) { return 0, u.fault() }
