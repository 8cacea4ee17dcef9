package asterisk_test

import (
	"slices"
	"strings"
	"testing"

	"dbsep/internal/asterisk"
)

func TestFindRelease(t *testing.T) {
	for _, test := range []struct{ version, release, note string }{
		{"16", "16.30.1", ""},
		{"16.0.0", "16.0.0", ""},
		{"17", "16.30.1", "the tables of Asterisk 17 are not known; these are those of 16.30.1, the next older one"},
		{"18", "18.26.4", ""},
		{"19.8.1", "18.26.4", "the tables of Asterisk 19.8.1 are not known; these are those of 18.26.4, the next older one"},
		{"20", "20.20.1", ""},
		{"20.12", "20.12.0", ""},
		{"20.5", "20.11.1", "the tables of Asterisk 20.5 are not known; these are those of 20.11.1"},
		{"21", "21.0.0", ""},
		{"22", "22.10.1", ""},
		{"22.0", "22.0.0", ""},
		{"22.5.2", "22.10.1", "the tables of Asterisk 22.5.2 are not known; these are those of 22.10.1"},
		{"22.99", "22.10.1", "the tables of Asterisk 22.99 are not known; these are those of 22.10.1"},
		{" 23 ", "23.4.1", ""},
		{"development", "development", ""},
		{"master", "development", ""},
		{"HEAD", "development", ""},
	} {
		r, note, err := asterisk.FindRelease(test.version)
		if err != nil || r.String() != test.release || note != test.note {
			t.Errorf("%s: %v, %q, %v", test.version, r, note, err)
		}
	}
	for _, wrong := range []string{"", "15", "24", "x", "22.", "22.1.1.1", "-22", "+22", "22x"} {
		if _, _, err := asterisk.FindRelease(wrong); err == nil || !strings.Contains(err.Error(), "choose a version from 16 to 23, or development") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func tables(t *testing.T, version string, groups ...string) map[string]*asterisk.Table {
	t.Helper()
	r, _, err := asterisk.FindRelease(version)
	if err != nil {
		t.Fatal(err)
	}
	all, err := asterisk.Tables(r, groups...)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*asterisk.Table{}
	for _, table := range all {
		byName[table.Name] = table
	}
	return byName
}

// TestColumnsCameWentAndChanged has one fact of each kind.
func TestColumnsCameWentAndChanged(t *testing.T) {
	has := func(version, table, column string) bool { return tables(t, version)[table].Column(column) != nil }
	for _, test := range []struct {
		table, column string
		with, without string // versions
	}{
		{"ps_contacts", "qualify_2xx_only", "20.12.0 20.20.1 22.10.1 23.0.0 23.4.1 development", "16.0.0 18.26.4 20.11.1 21.0.0 22.0.0"},
		{"ps_transports", "external_signaling_hostname", "development", "16.0.0 23.4.1"},
		{"queue_members", "reason_paused", "18.26.4 20.11.1 21.0.0 22.0.0", "16.30.1 18.0.0 20.0.0"},
		{"sippeers", "qualify", "16.0.0 18.26.4 22.10.1 development", ""},
	} {
		for version := range strings.FieldsSeq(test.with) {
			if !has(version, test.table, test.column) {
				t.Errorf("%s.%s is not in %s", test.table, test.column, version)
			}
		}
		for version := range strings.FieldsSeq(test.without) {
			if has(version, test.table, test.column) {
				t.Errorf("%s.%s is in %s", test.table, test.column, version)
			}
		}
	}
	for version, size := range map[string]int{"16.0.0": 40, "18.26.4": 255, "20.0.0": 40, "20.11.1": 255, "21.0.0": 40, "22.0.0": 255} {
		if got := tables(t, version)["ps_endpoints"].Column("id").Type.Size; got != size {
			t.Errorf("%s: ps_endpoints.id has %d characters, not %d", version, got, size)
		}
	}
	if got := tables(t, "16.0.0")["ps_endpoints"].Column("direct_media").Type.Values; !slices.Equal(got, []string{"yes", "no"}) {
		t.Errorf("16.0.0: ps_endpoints.direct_media is one of %v", got)
	}
	if tables(t, "16.0.0")["musiconhold_entry"] != nil || tables(t, "16.30.1")["musiconhold_entry"] == nil {
		t.Error("musiconhold_entry came with another release than 16.30.1")
	}
}

// TestEachReleaseHasItsColumns counts them: the sums are those of the sources.
func TestEachReleaseHasItsColumns(t *testing.T) {
	for version, want := range map[string][2]int{
		"16.0.0":      {33, 649},
		"16.30.1":     {34, 678},
		"18.0.0":      {34, 670},
		"18.26.4":     {35, 706},
		"20.0.0":      {34, 684},
		"20.11.1":     {35, 707},
		"20.12.0":     {35, 714},
		"20.20.1":     {35, 722},
		"21.0.0":      {34, 693},
		"22.0.0":      {35, 705},
		"22.10.1":     {35, 722},
		"23.0.0":      {35, 714},
		"23.4.1":      {35, 722},
		"development": {35, 723},
	} {
		all, columns := tables(t, version), 0
		for _, table := range all {
			columns += len(table.Columns)
		}
		if got := [2]int{len(all), columns}; got != want {
			t.Errorf("%s: %v tables and columns, not %v", version, got, want)
		}
	}
}

func TestGroups(t *testing.T) {
	for group, want := range map[string]string{
		"queues":      "queue_members queue_rules queues",
		"voicemail":   "minivm voicemail voicemail_data voicemail_messages",
		"extensions":  "extensions",
		"iax":         "acls iaxfriends",
		"musiconhold": "musiconhold musiconhold_entry",
		"followme":    "followme followme_numbers",
		"static":      "ast_config",
		"cdr":         "cdr",
		"queue_log":   "queue_log",
		"sip":         "acls sippeers",
		"meetme":      "meetme",
	} {
		var names []string
		for name := range tables(t, "22", group) {
			names = append(names, name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s", group, got)
		}
	}
	all := tables(t, "22")
	for _, group := range asterisk.Groups() {
		found := tables(t, "22", group)
		if len(found) == 0 {
			t.Errorf("%s has no table", group)
		}
		for name := range found {
			if all[name] == nil {
				t.Errorf("%s is not one of all tables", name)
			}
		}
	}
	r, _, _ := asterisk.FindRelease("22")
	if _, err := asterisk.Tables(r, "pjsip", "sipp"); err == nil || !strings.Contains(err.Error(), `"sipp"; choose from pjsip, queues`) {
		t.Error(err)
	}
}

// TestTablesAreSound checks what a database would refuse, in each release.
func TestTablesAreSound(t *testing.T) {
	for _, version := range []string{"16.0.0", "16.30.1", "18.0.0", "18.26.4", "20.0.0", "20.11.1", "20.12.0", "20.20.1", "21.0.0", "22.0.0", "22.10.1", "23.0.0", "23.4.1", "development"} {
		for name, table := range tables(t, version) {
			seen := map[string]bool{}
			for _, c := range table.Columns {
				if seen[c.Name] {
					t.Errorf("%s: %s.%s is there twice", version, name, c.Name)
				}
				seen[c.Name] = true
			}
			if len(table.Primary) == 0 {
				t.Errorf("%s: %s has no primary key", version, name)
			}
			if strings.HasPrefix(name, "ps_") && !slices.Equal(table.Primary, []string{"id"}) {
				t.Errorf("%s: the primary key of %s is %v", version, name, table.Primary)
			}
			for _, columns := range slices.Concat([][]string{table.Primary}, table.Unique, table.Indexes) {
				for _, column := range columns {
					if !seen[column] {
						t.Errorf("%s: %s has a key on %s, which it does not have", version, name, column)
					}
				}
			}
		}
	}
}

// TestColumnsOfFactsExist looks for the columns that the facts about a table name in its newest
// release.
func TestColumnsOfFactsExist(t *testing.T) {
	for name, table := range tables(t, "development") {
		w, written := asterisk.WritingOf(name)
		if written != asterisk.Writes(name) {
			t.Errorf("%s: written %t", name, written)
		}
		single := asterisk.SingleValued[name]
		for _, column := range slices.Concat(w.Columns, single.Lookups, single.Others) {
			if table.Column(column) == nil {
				t.Errorf("%s has no column %s", name, column)
			}
		}
	}
	for name := range asterisk.SingleValued {
		if tables(t, "development")[name] == nil {
			t.Errorf("there is no table %s", name)
		}
	}
	if w, _ := asterisk.WritingOf("ps_contacts"); !w.Stores || !w.Destroys || !slices.Contains(w.Columns, "qualify_2xx_only") {
		t.Errorf("%+v", w)
	}
}

// TestColumnsHoldWhatAsteriskStores compares the tables with the widths that Asterisk needs.
func TestColumnsHoldWhatAsteriskStores(t *testing.T) {
	for _, version := range []string{"16.0.0", "22", "development"} {
		for name, stored := range asterisk.Stores {
			for _, r := range stored {
				c := tables(t, version)[name].Column(r.Column)
				if c != nil && c.Type.Kind == asterisk.Char && c.Type.Size < r.Size {
					t.Errorf("%s: %s.%s has %d characters, and Asterisk may store %d", version, name, r.Column, c.Type.Size, r.Size)
				}
			}
		}
	}
}
