package gateway

import (
	"bytes"
	"strings"
)

// Asterisk reads a column as a list with ; between the items. A ; that belongs to a
// value, as in every PJSIP contact, is therefore stored as ^3B, and a ^ as ^5E. That
// is the encoding of Asterisk's native drivers, which can use the same database (P7).

var caretEncoder = strings.NewReplacer(";", "^3B", "^", "^5E")

// EncodeCaret encodes a value for a column, a condition or a LIKE pattern, where the table is
// not one of [TableOptions.RawSemicolons].
func EncodeCaret(value string) string { return caretEncoder.Replace(value) }

// appendCaretDecoded appends value with every ^XX, XX two upper-case
// hexadecimal digits, replaced by its byte.
func appendCaretDecoded(dst, value []byte) []byte {
	for {
		i := bytes.IndexByte(value, '^')
		if i < 0 {
			return append(dst, value...)
		}
		dst = append(dst, value[:i]...)
		if i+2 < len(value) && isUpperHex(value[i+1]) && isUpperHex(value[i+2]) {
			dst = append(dst, unhex(value[i+1])<<4|unhex(value[i+2]))
			value = value[i+3:]
			continue
		}
		dst = append(dst, '^')
		value = value[i+1:]
	}
}

// appendItem appends a value that is encoded with ^, decoded and escaped for a row of
// text. It reports false if a ; separates items in it.
func appendItem(dst, value []byte) (_ []byte, one bool) {
	for len(value) > 0 {
		n := plainBytes(value)
		dst = append(dst, value[:n]...)
		switch value = value[n:]; {
		case len(value) == 0:
		case value[0] == ';':
			return dst, false
		case value[0] == '^' && len(value) > 2 && isUpperHex(value[1]) && isUpperHex(value[2]):
			dst = appendByte(dst, unhex(value[1])<<4|unhex(value[2]))
			value = value[3:]
		default:
			dst = appendByte(dst, value[0])
			value = value[1:]
		}
	}
	return dst, true
}

func isUpperHex(c byte) bool { return isHex(c) && c <= 'F' }
