//go:build e2e

package attack

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// careless starts a server that handles "single" as none should: its SQL is made of
// what it is sent. It returns its base URL.
func careless(t *testing.T, db *sql.DB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		table := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/single")
		body, _ := io.ReadAll(r.Body)
		var conditions []string
		for pair := range strings.SplitSeq(string(body), "&") {
			name, value, _ := strings.Cut(pair, "=")
			name, _ = url.QueryUnescape(name)
			value, _ = url.QueryUnescape(value)
			if !strings.Contains(name, " ") {
				name += " ="
			}
			conditions = append(conditions, name+" '"+value+"'")
		}
		var row, context string
		err := db.QueryRowContext(r.Context(), "SELECT name, context FROM "+table+" WHERE "+strings.Join(conditions, " AND ")).Scan(&row, &context)
		if err != nil {
			http.Error(w, "", http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, "name=%s&context=%s\n", url.QueryEscape(row), url.QueryEscape(context))
	}))
	t.Cleanup(server.Close)
	return server.URL
}
