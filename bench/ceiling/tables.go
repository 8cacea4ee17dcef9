package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// tables are the rows of each table, by their ids, as they are sent.
type tables struct {
	rows     map[string]map[string]string
	requests atomic.Int64

	mu       sync.Mutex
	contacts map[string]map[string]string // by the AOR, with which ids begin, too
}

// id is the value of id in a form, or what it is to be LIKE.
func id(form string) string {
	for pair := range strings.SplitSeq(strings.TrimSpace(form), "&") {
		if name, value, _ := strings.Cut(pair, "="); name == "id" || name == "id%20LIKE" {
			value, _ = url.QueryUnescape(value)
			return value
		}
	}
	return ""
}

func (t *tables) respond(path, query, form string) string {
	if path == "/metrics" {
		return fmt.Sprintf("dbsep_http_requests_total %d\n", t.requests.Load())
	}
	t.requests.Add(1)
	table, operation, _ := strings.Cut(path[1:], "/")
	if table == "ps_contacts" {
		return t.contact(operation, query, form)
	}
	if row := t.rows[table][id(form)]; row != "" {
		return row
	}
	return "\n"
}

// contact responds to a request for contacts: of one AOR, or of all.
func (t *tables) contact(operation, query, form string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := id(query + form)
	aor, _, _ := strings.Cut(key, ";")
	of := t.contacts[aor]
	_, known := of[key]
	switch {
	case operation == "multi" && key == "%":
		var all strings.Builder
		for _, of := range t.contacts {
			all.WriteString(join(of))
		}
		return all.String()
	case operation == "destroy" && key == "%":
		clear(t.contacts)
		return "0\n"
	case operation == "multi":
		return join(of)
	case operation == "store":
		if of == nil {
			of = map[string]string{}
			t.contacts[aor] = of
		}
		of[key] = form + "\n"
	case !known && operation == "single":
		return "\n"
	case !known:
		return "0\n"
	case operation == "single":
		return of[key]
	case operation == "update":
		of[key] = query + "&" + form + "\n"
	case operation == "destroy":
		delete(of, key)
	}
	return "1\n"
}

func join(rows map[string]string) string { return strings.Join(slices.Collect(maps.Values(rows)), "") }
