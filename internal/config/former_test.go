package config_test

import (
	"strings"
	"testing"

	"dbsep/internal/config"
)

func TestFormerNamesAreMistakes(t *testing.T) {
	for _, test := range []struct{ section, line, want string }{
		{"limits", "hold_timeout=1s", "hold_timeout: the setting has another name; write slow_reader_timeout"},
		{"limits", "connection_wait=5s", "connection_wait: the setting has another name; write pool_timeout"},
		{"limits", "answer_memory=16M", "answer_memory: the setting has another name; write response_memory"},
		{"limits", "body_bytes=4M", "body_bytes: the setting has another name; write max_body_bytes"},
		{"limits", "fields=512", "fields: the setting has another name; write max_fields"},
		{"limits", "Rows = 7", "rows: the setting has another name; write max_rows"},
		{"limits", "clients=7", "clients: the setting has another name; write max_clients"},
		{"limits", "clients_per_address=7", "clients_per_address: the setting has another name; write max_clients_per_address"},
		{"database", "read_from=db2", "read_from: the setting has another name; write read_replicas"},
		{"server", "http2=no", "http2: the setting was removed; remove the line"},
		{"limits", "columns=2000", "columns: the setting was removed; remove the line"},
		{"database", "description_age=1m", "description_age: the setting was removed; remove the line"},
	} {
		t.Run(test.line, func(t *testing.T) {
			expect(t, mistakes(t, "dsn=x\n["+test.section+"]\n"+test.line+"\n"), []string{"dbsep.conf:3: " + test.want})
			expect(t, mistakes(t, test.line+"\ndsn=x\n"), []string{"dbsep.conf:1: " + test.want})
			expect(t, parse(t, "[general]\n"+test.line+"\n").Warnings, []string{"1: no such section"})
			_, hint, _ := strings.Cut(test.want, "; ")
			if name, renamed := strings.CutPrefix(hint, "write "); renamed && !isSetting(test.section, name) {
				t.Errorf("[%s] has no setting %s", test.section, name)
			}
		})
	}
}

func isSetting(section, key string) bool {
	for _, s := range config.Settings() {
		if s.Section == section && s.Key == key {
			return true
		}
	}
	return false
}
