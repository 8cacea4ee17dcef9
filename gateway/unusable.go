package gateway

import (
	"context"

	"dbsep/sqlgen"
)

// Unusable returns a Database that fails every request with an error, for a gateway
// whose database cannot be opened, for instance because the configuration is wrong. A
// CGI program has to respond even then.
func Unusable(why error) Database { return unusable{why} }

type unusable struct{ why error }

func (u unusable) fault() error {
	return &sqlgen.Fault{Cause: sqlgen.Unavailable, Hint: "correct the configuration; dbsep check reports what is wrong", Err: u.why}
}

func (u unusable) Dialect() *sqlgen.Dialect { return &sqlgen.Dialect{} }

func (u unusable) Describe(context.Context, string) (*sqlgen.Table, error) { return nil, u.fault() }

func (u unusable) Keys(context.Context, *sqlgen.Table) ([][]string, error) { return nil, u.fault() }

func (u unusable) Query(context.Context, sqlgen.Statement, func([][]byte) error) error {
	return u.fault()
}

func (u unusable) Exec(context.Context, sqlgen.Statement) (int64, error) { return 0, u.fault() }
