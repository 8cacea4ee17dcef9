package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestDemoNamesEveryTable compares what the demo prints with what it has: each table
// with rows is in a line of extconfig.conf, and the objects of PJSIP in one of
// sorcery.conf.
func TestDemoNamesEveryTable(t *testing.T) {
	text := introduction("127.0.0.1:8000")
	rows := regexp.MustCompile(`(?m)^INSERT INTO (\w+)`).FindAllStringSubmatch(demoRows, -1)
	if len(rows) == 0 {
		t.Fatal("the sample has no rows")
	}
	tables := []string{"ps_contacts"} // for those of phones that register
	for _, m := range rows {
		tables = append(tables, m[1])
	}
	for _, table := range tables {
		if !regexp.MustCompile(`(?m)^    [\w.]+ => curl,http://127\.0\.0\.1:8000/` + table + `$`).MatchString(text) {
			t.Errorf("no line of extconfig.conf leads to %s", table)
		}
		if strings.HasPrefix(table, "ps_") && !strings.Contains(text, "= realtime,"+table+"\n") {
			t.Errorf("no line of sorcery.conf leads to %s", table)
		}
	}
}

func TestDemoProposesTheNextPort(t *testing.T) {
	for taken, want := range map[string]string{
		"127.0.0.1:8000":  "127.0.0.1:8001",
		"127.0.0.1:8001":  "127.0.0.1:8002",
		"[::1]:8000":      "[::1]:8001",
		":8000":           ":8001",
		"localhost:http":  "127.0.0.1:8001",
		"127.0.0.1:65535": "127.0.0.1:8001",
		"unix:/run/s":     "127.0.0.1:8001",
	} {
		if got := nextAddress(taken); got != want {
			t.Errorf("%s: %s, want %s", taken, got, want)
		}
	}
}
