package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// A memoryDatabase has one table with one row, and prints the statements that it
// gets. A real one runs them.
type memoryDatabase struct{}

var endpoints = sqlgen.NewTable("ps_endpoints", []sqlgen.Column{
	{Name: "id", Class: sqlgen.Text}, {Name: "context", Class: sqlgen.Text}, {Name: "allow", Class: sqlgen.Text},
})

func (memoryDatabase) Dialect() *sqlgen.Dialect { return dialect }

func (memoryDatabase) Describe(_ context.Context, table string) (*sqlgen.Table, error) {
	if table != endpoints.Name {
		return nil, &sqlgen.Fault{Cause: sqlgen.UnknownTable, Table: table}
	}
	return endpoints, nil
}

func (memoryDatabase) Keys(context.Context, *sqlgen.Table) ([][]string, error) {
	return [][]string{{"id"}}, nil
}

func (memoryDatabase) Query(_ context.Context, s sqlgen.Statement, row func(columns [][]byte) error) error {
	fmt.Println(s.SQL, s.Args)
	return row([][]byte{[]byte("alice"), []byte("from internal"), []byte("opus")})
}

func (memoryDatabase) Exec(_ context.Context, s sqlgen.Statement) (affected int64, err error) {
	fmt.Println(s.SQL, s.Args)
	return 1, nil
}

// A gateway is an http.Handler. The last two segments of a path are a table and an
// operation. Asterisk gets text, other clients can have JSON.
func ExampleNew() {
	g := gateway.New(memoryDatabase{}, gateway.Options{Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(g)
	defer server.Close()

	for _, path := range []string{"/ps_endpoints/single", "/ps_endpoints/single.json", "/ps_endpoints/destroy", "/nosuch/single"} {
		response, err := http.Post(server.URL+path, "application/x-www-form-urlencoded", strings.NewReader("id=alice"))
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		fmt.Printf("%d %s%s\n", response.StatusCode, response.Header.Get("X-Dbsep-Error"), body)
	}
	// Output:
	// SELECT "id", "context", "allow" FROM "ps_endpoints" WHERE "id" = ? LIMIT 1 [alice]
	// 200 id=alice&context=from%20internal&allow=opus
	//
	// SELECT "id", "context", "allow" FROM "ps_endpoints" WHERE "id" = ? LIMIT 1 [alice]
	// 200 {"id":"alice","context":"from internal","allow":"opus"}
	//
	// DELETE FROM "ps_endpoints" WHERE "id" = ? [alice]
	// 200 1
	//
	// 404 unknown-table
}

// Explain returns the code of an error and what to do about it.
func ExampleExplain() {
	code, hint := gateway.Explain(&sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: "ps_endpoints", Column: "allows"})
	fmt.Println(code)
	fmt.Println(hint)
	// Output:
	// unknown-column
	// add the column to the table, or correct its name
}
