package main

import (
	"bytes"
	"net/url"
	"strings"
)

// A form is the fields of a query string or a body, in their order.
type form struct {
	names  []string
	values []any
}

func parse(text string) (f form, err error) {
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if name, err = url.QueryUnescape(name); err != nil {
			return f, err
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return f, err
		}
		f.names = append(f.names, name)
		f.values = append(f.values, coded.Replace(value))
	}
	return f, nil
}

// coded is how ; is stored, as in every contact: dbsep's rows are read here.
var coded = strings.NewReplacer(";", "^3B")

// plain are the bytes that need no escaping in a response.
var plain = func() (set [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_." {
		set[c] = true
	}
	return set
}()

func appendEscaped(dst, value []byte) []byte {
	const hex = "0123456789ABCDEF"
	if bytes.IndexByte(value, '^') >= 0 {
		value = bytes.ReplaceAll(value, []byte("^3B"), []byte(";"))
	}
	for _, c := range value {
		if plain[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
