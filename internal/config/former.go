package config

// formerNames are settings that dbsep had before its first release: the present
// name of each, or "" if it was removed.
var formerNames = map[string]string{
	"answer_memory":       "response_memory",
	"body_bytes":          "max_body_bytes",
	"clients":             "max_clients",
	"clients_per_address": "max_clients_per_address",
	"columns":             "",
	"connection_wait":     "pool_timeout",
	"description_age":     "",
	"fields":              "max_fields",
	"hold_timeout":        "slow_reader_timeout",
	"http2":               "",
	"read_from":           "read_replicas",
	"rows":                "max_rows",
}

// former returns what is wrong with a former name and what to do, or "" if the
// key is not one.
func former(key string) (text, hint string) {
	name, known := formerNames[key]
	switch {
	case !known:
		return "", ""
	case name == "":
		return "the setting was removed", "remove the line"
	default:
		return "the setting has another name", "write " + name
	}
}
