package postgres_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

// The host twoAddresses has two addresses. A server listens at the second only.
const twoAddresses = "two.test"

// resolveTwoAddresses makes the host known to this process.
func resolveTwoAddresses(t *testing.T) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	was := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = was
		server.Close()
	})
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			server.WriteTo(dnsResponse(query[:n], 2, 1), from)
		}
	}()
}

// dnsResponse is the response to a query (RFC 1035): addresses that begin with 127.0.0, and
// none for any other type of record.
func dnsResponse(query []byte, last ...byte) []byte {
	const headerBytes, typeA = 12, 1
	question := query[headerBytes:]
	question = question[:strings.IndexByte(string(question), 0)+5]
	response := binary.BigEndian.AppendUint16(nil, binary.BigEndian.Uint16(query))
	response = append(response, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
	response = append(response, question...)
	if question[len(question)-3] != typeA {
		return response
	}
	response[7] = byte(len(last))
	for _, b := range last {
		response = append(response, 0xc0, headerBytes, 0, typeA, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, b)
	}
	return response
}

// The two tries of sslmode=prefer and allow, and those of the addresses of a name, are one
// server: what it says counts.
func TestPostgresSeveralTriesAreOneServer(t *testing.T) {
	resolveTwoAddresses(t)
	servers := map[string]*pgtest.Server{"with TLS": pgtest.Start(t), "without TLS": pgtest.New(t, "ssl=off")}
	for what, server := range servers {
		name := server.Database(t)
		server.Exec(t,
			"CREATE ROLE plain LOGIN PASSWORD 'secret'",
			"CREATE ROLE expired LOGIN PASSWORD 'secret' VALID UNTIL '2000-01-01'",
			"CREATE ROLE nobody NOLOGIN PASSWORD 'secret'")
		t.Cleanup(func() { server.Exec(t, "DROP ROLE plain", "DROP ROLE expired", "DROP ROLE nobody") })
		for i, host := range []string{server.Host, twoAddresses} {
			for j, mode := range []string{"", ";sslmode=prefer", ";sslmode=allow", ";sslmode=disable"} {
				source := database.Source{
					DSN:      fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d%s", name, host, server.Port, mode),
					Password: "secret", MaxConnections: 8, PoolTimeout: time.Minute,
				}
				t.Run(what+" "+host+mode, func(t *testing.T) {
					source.User = fmt.Sprintf("few%d%d", i, j)
					server.Exec(t, "CREATE ROLE "+source.User+" LOGIN PASSWORD 'secret' CONNECTION LIMIT 2")
					t.Cleanup(func() { server.Exec(t, "DROP ROLE "+source.User) })
					wantPlaces(t, source)
					for _, refused := range []struct {
						account, password, database string
						cause                       sqlgen.Cause
						hint                        string
					}{
						{"plain", "wrong", name, sqlgen.Denied, "password"},
						{"expired", "secret", name, sqlgen.Denied, "expired"},
						{"nobody", "secret", name, sqlgen.Denied, "ALTER ROLE"},
						{"plain", "secret", "nosuch", sqlgen.Unavailable, "correct dbname"},
					} {
						s := source
						s.User, s.Password, s.DSN = refused.account, refused.password, strings.Replace(s.DSN, name, refused.database, 1)
						err := databasetest.Open(t, s).Ping(t.Context())
						var fault *sqlgen.Fault
						if !errors.As(err, &fault) || fault.Cause != refused.cause || !strings.Contains(fault.Hint, refused.hint) {
							t.Errorf("%s with %s at %s: %+v, %v", refused.account, refused.password, refused.database, fault, errors.Unwrap(err))
						}
					}
				})
			}
		}
	}
}

// wantPlaces sends more statements at once than the server has places for connections.
func wantPlaces(t *testing.T, source database.Source) {
	t.Helper()
	db := databasetest.Open(t, source)
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := databasetest.QueryText(t.Context(), db, "SELECT 1 FROM pg_sleep(0.01)"); err != nil {
				t.Error(err, errors.Unwrap(err))
			}
		})
	}
	all.Wait()
}
