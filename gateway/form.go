package gateway

import (
	"strings"
	"unicode/utf8"

	"dbsep/sqlgen"
)

// parseForm parses the pairs of a query string or a form body in their order.
//
// net/url loses the order, refuses ; and invalid %, and hides a value's encoded
// length, which shows whether Asterisk cut it (P16). Only & separates pairs, and only
// the first = of a pair separates name and value. Empty pairs are ignored (a9). A name
// without = has an empty value. + is a space, and % without two hexadecimal digits is
// a % (a12).
//
// cut lists the values that Asterisk probably cut within a character.
//
// Some releases of Asterisk write a byte beyond ASCII as a negative number, %FFFFFFC3. JSON
// clients do not: exact says so.
func parseForm(text string, limit int, exact bool) (fields []sqlgen.Field, cut []cutValue, err error) {
	fields = make([]sqlgen.Field, 0, min(limit, 1+strings.Count(text, "&")))
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, "&")
		if pair == "" {
			continue
		}
		if len(fields) == limit {
			return nil, nil, &Error{Code: TooManyFields}
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		longest := len("%XX")
		encoded := len(rawValue)
		if !exact && strings.Contains(pair, signExtension) {
			rawName, rawValue = dropSigns(rawName), dropSigns(rawValue)
			longest += len(signExtension) - len("%")
		}
		name := unescape(rawName)
		value := unescape(rawValue)
		if trimmed := trimCut(value, encoded, longest); len(trimmed) < len(value) {
			cut = append(cut, cutValue{len(fields), trimmed})
		}
		if strings.Trim(name, " ") == "" {
			return nil, nil, &Error{Code: NoName}
		}
		if strings.IndexByte(name, 0) >= 0 || strings.IndexByte(value, 0) >= 0 {
			return nil, nil, &Error{Code: NulByte, Column: strings.ReplaceAll(name, "\x00", "")}
		}
		fields = append(fields, sqlgen.Field{Name: name, Value: value})
	}
	return fields, cut, nil
}

// A cutValue is a field whose value ends in an incomplete character.
type cutValue struct {
	field   int
	trimmed string // the value without it
}

// unescape decodes %XX and + of the form encoding, once.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			out = append(out, ' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// signExtension is what precedes the two digits of a byte beyond ASCII in releases 1.8.28 to
// 1.8.32, 11.10 to 11.15, 12.3 to 12.8, 13.0 and 13.1.
const signExtension = "%FFFFFF"

// dropSigns makes %C3 of %FFFFFFC3.
func dropSigns(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, signExtension)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		end := i + len(signExtension)
		b.WriteString(s[:i])
		if digits := s[end:]; len(digits) > 1 && isUpperHex(digits[0]) && digits[0] >= '8' && isUpperHex(digits[1]) {
			b.WriteByte('%')
		} else {
			b.WriteString(signExtension)
		}
		s = s[end:]
	}
}

// maxIncomplete is how many bytes an incomplete character has at most.
const maxIncomplete = utf8.UTFMax - 1

// trimCut removes the incomplete character at the end of a value that Asterisk cut.
// Its driver has buffers of 256 and 200 bytes and cuts within a character, but never
// within an escape, which has so many bytes at most: a cut value usually has 253 to 255 or
// 197 to 199 encoded bytes (P16). A database would refuse the whole row because of the
// incomplete character.
func trimCut(value string, encoded, longest int) string {
	isCut := func(most int) bool { return most-longest < encoded && encoded <= most }
	if !isCut(255) && !isCut(199) {
		return value
	}
	for n := 1; n <= maxIncomplete; n++ {
		if last := value[len(value)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRuneInString(last) {
				return value[:len(value)-n]
			}
			break
		}
	}
	return value
}
