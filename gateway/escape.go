package gateway

import (
	"encoding/base64"
	"unicode/utf8"
)

// plain are the bytes that are sent unescaped in a row. All others are %XX in upper
// case, including the space (a2): Asterisk does not read + as a space.
var plain = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.") {
		set[c] = true
	}
	return set
}()

// appendEscaped appends a name or value, escaped for a row of text.
func appendEscaped(dst, s []byte) []byte {
	for len(s) > 0 {
		n := plainBytes(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) > 0 {
			dst = appendByte(dst, s[0])
			s = s[1:]
		}
	}
	return dst
}

// plainBytes returns how many bytes at the beginning need no escape.
func plainBytes(s []byte) (n int) {
	for n < len(s) && plain[s[n]] {
		n++
	}
	return n
}

// appendByte appends a byte, escaped for a row of text.
func appendByte(dst []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	if plain[c] {
		return append(dst, c)
	}
	return append(dst, '%', hex[c>>4], hex[c&15])
}

// escapedBytes returns how long a value becomes in a row of text.
func escapedBytes(s []byte) int {
	n := len(s)
	for _, c := range s {
		if !plain[c] {
			n += len("%XX") - 1
		}
	}
	return n
}

// jsonBytes returns how long a value becomes in a row of JSON, at most. ^XX may become any
// byte.
func jsonBytes(s []byte) int {
	n, coded := len(s), false
	for _, c := range s {
		switch {
		case c < ' ':
			n += len(`\u00XX`) - 1
		case c == '"' || c == '\\':
			n++
		case c == '^':
			n += len(`\u00XX`) - len("^XX")
			coded = true
		}
	}
	if coded || !utf8.Valid(s) {
		n = max(n, len(base64Open)+base64.StdEncoding.EncodedLen(len(s))+len(base64Close)-len(`""`))
	}
	return n
}

// appendJSONValue appends a value: a text as a string, and bytes that are no text as an
// object, since no string of JSON can hold them.
func appendJSONValue(dst, s []byte) []byte {
	if utf8.Valid(s) {
		return appendJSON(dst, s)
	}
	dst = append(dst, base64Open...)
	dst = base64.StdEncoding.AppendEncode(dst, s)
	return append(dst, base64Close...)
}

// An object for bytes.
const (
	base64Open  = `{"base64":"`
	base64Close = `"}`
)

// appendJSON appends s as a JSON string. Invalid UTF-8 becomes U+FFFD, since JSON
// cannot contain it.
func appendJSON(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
