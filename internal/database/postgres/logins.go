package postgres

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"dbsep/sqlgen"
)

// tries are the connections that the driver tries one after another for one login. Several
// may lead to the same server: with TLS and without, and by each address of a name.
type tries struct {
	hosts   map[string]string // by address
	servers []string          // of each try
}

// triesKey is the key of a login's context.
type triesKey struct{}

// lookup notes which host has an address.
func lookup(find pgconn.LookupFunc) pgconn.LookupFunc {
	return func(ctx context.Context, host string) ([]string, error) {
		addresses, err := find(ctx, host)
		if t, ok := ctx.Value(triesKey{}).(*tries); ok {
			for _, a := range addresses {
				t.hosts[a] = host
			}
		}
		return addresses, err
	}
}

// dial notes a try.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	if t, ok := ctx.Value(triesKey{}).(*tries); ok {
		server := address
		if host, port, err := net.SplitHostPort(address); err == nil {
			server = net.JoinHostPort(t.hosts[host], port)
		}
		t.servers = append(t.servers, server)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// failure makes one error for each server of those of all tries.
func (t *tries) failure(err error) error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return err
	}
	all := joined.Unwrap()
	first := len(all) - len(t.servers) // before are names without an address
	if first < 0 {
		return err
	}
	causes := all[:first:first]
	at := map[string]int{}
	for i, e := range all[first:] {
		server := t.servers[i]
		known, tried := at[server]
		switch {
		case !tried:
			at[server] = len(causes)
			causes = append(causes, e)
		case says(e) > says(causes[known]):
			causes[known] = e
		}
	}
	if len(causes) == 1 {
		return &loginError{causes[0], err}
	}
	return &loginError{errors.Join(causes...), err}
}

// says is how much an error says about a server and not about one way to it.
func says(err error) int {
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e) && !refusesConnection(e):
		return 3
	case e != nil:
		return 2
	}
	if cause, _ := classifyError(err); cause != sqlgen.Unexpected {
		return 1
	}
	return 0
}

// refusesConnection reports whether pg_hba.conf does not let the account in this way, with or
// without TLS.
func refusesConnection(e *pgconn.PgError) bool {
	return strings.HasPrefix(e.Code, "28") && e.Code != "28P01" && e.Routine == "ClientAuthentication"
}

// A loginError is the failure of all tries of a login.
type loginError struct{ cause, all error }

func (e *loginError) Error() string { return e.all.Error() }
func (e *loginError) Unwrap() error { return e.cause }
