package transfer

import (
	"slices"
	"strings"

	"dbsep/internal/asteriskconf"
)

// An objectType is a type= of pjsip.conf: its table, and the options that may be there
// several times, each adding to the others. Of all other options Asterisk uses the last.
type objectType struct {
	table   string
	lists   []string
	opposed []opposed
}

// opposed are two options that add to one list, of which the order counts. A ! in the
// list of one is an item of the other one. PJSIP gets the columns in their order in
// the table, take before give.
type opposed struct {
	take, give string
	resets     string // the item of take after which nothing before it counts; may be empty
}

var objectTypes = map[string]objectType{
	"endpoint": {"ps_endpoints", []string{"set_var", "acl", "contact_acl", "security_mechanisms"}, []opposed{
		{"disallow", "allow", "all"}, {"deny", "permit", ""}, {"contact_deny", "contact_permit", ""},
	}},
	"auth":                 {"ps_auths", []string{"supported_algorithms_uac", "supported_algorithms_uas", "password_digest"}, nil},
	"aor":                  {"ps_aors", []string{"contact"}, nil},
	"domain_alias":         {"ps_domain_aliases", nil, nil},
	"identify":             {"ps_endpoint_id_ips", []string{"match"}, nil},
	"registration":         {"ps_registrations", []string{"security_mechanisms"}, nil},
	"global":               {"ps_globals", nil, nil},
	"system":               {"ps_systems", nil, nil},
	"transport":            {"ps_transports", []string{"local_net", "cipher"}, nil},
	"resource_list":        {"ps_resource_list", []string{"list_item"}, nil},
	"outbound-publish":     {"ps_outbound_publishes", nil, nil},
	"inbound-publication":  {"ps_inbound_publications", nil, nil},
	"asterisk-publication": {"ps_asterisk_publications", nil, nil},
}

// pjsipObjects makes the objects of pjsip.conf.
func pjsipObjects(sections []*asteriskconf.Section, r *report) (objects []*object) {
	seen := map[[2]string]bool{}
	for _, s := range sections {
		// Asterisk uses the first type, whose name may be in any case.
		i := slices.IndexFunc(s.Lines, func(l asteriskconf.Line) bool { return strings.EqualFold(l.Name, "type") })
		if i < 0 {
			r.note(about(header(s), "it has no type, and Asterisk does not read it", ""))
			continue
		}
		typ, known := objectTypes[s.Lines[i].Value]
		if !known {
			r.note(about(s.Lines[i], "there is no table for this type of ["+s.Name+"]", "it stays in the file"))
			continue
		}
		key := [2]string{typ.table, s.Name}
		if seen[key] {
			r.refuse(about(header(s), "there is another one of its type before it, and Asterisk reads none of the type then", "remove one of them"))
			continue
		}
		seen[key] = true
		objects = append(objects, &object{origin: header(s), table: typ.table, id: s.Name, values: typ.values(s, r)})
	}
	return objects
}

// values are those of a section, the name of the object first.
func (t objectType) values(s *asteriskconf.Section, r *report) []value {
	values := []value{{"id", header(s), []string{s.Name}}}
	for _, l := range s.Lines {
		name := strings.ToLower(l.Name)
		if name == "type" {
			continue
		}
		i := slices.IndexFunc(values[1:], func(v value) bool { return v.column == name }) + 1
		switch {
		case i == 0:
			values = append(values, value{name, l, []string{l.Value}})
		case slices.Contains(t.lists, name):
			values[i].items, values[i].line = append(values[i].items, l.Value), l
		default:
			values[i].items, values[i].line = []string{l.Value}, l
		}
	}
	for _, o := range t.opposed {
		values = o.merge(values, s.Lines)
	}
	return slices.DeleteFunc(values, func(v value) bool {
		empty := slices.Contains(v.items, "")
		if empty {
			r.loss(about(v.line, "a table has no empty value: Asterisk takes its default instead", "remove the line if that is meant"))
		}
		return empty
	})
}

// merge makes two columns of the lines of both options.
func (o opposed) merge(values []value, lines []asteriskconf.Line) []value {
	take, give := value{column: o.take}, value{column: o.give}
	for _, l := range lines {
		switch {
		case strings.EqualFold(l.Name, o.give):
			give.line, give.items = l, append(give.items, l.Value)
		case !strings.EqualFold(l.Name, o.take):
		case o.resets != "" && strings.EqualFold(l.Value, o.resets):
			take.line, take.items, give.items = l, []string{l.Value}, nil
		case len(give.items) == 0:
			take.line, take.items = l, append(take.items, l.Value)
		default:
			give.line, give.items = l, append(give.items, negated(l.Value))
		}
	}
	values = slices.DeleteFunc(values, func(v value) bool { return v.column == o.take || v.column == o.give })
	for _, v := range []value{take, give} {
		if len(v.items) > 0 {
			values = append(values, v)
		}
	}
	return values
}

// negated is a list with a ! before each item that has none, and without that of the others.
func negated(list string) string {
	var items []string
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		if without, negative := strings.CutPrefix(item, "!"); negative {
			items = append(items, without)
		} else {
			items = append(items, "!"+item)
		}
	}
	return strings.Join(items, ",")
}
