// Package fastcgi has the records of the FastCGI protocol, as far as dbsep-cgi needs them,
// and dbsep beside net/http/fcgi.
package fastcgi

import "encoding/binary"

// The kinds of records (FastCGI specification 8).
const (
	BeginRequest    = 1
	EndRequest      = 3
	Params          = 4
	Stdin           = 5
	Stdout          = 6
	Stderr          = 7
	GetValues       = 9
	GetValuesResult = 10
)

// HeadBytes is the size of what is in front of a record's content, MaxContent that of the
// content.
const (
	HeadBytes  = 8
	MaxContent = 1<<16 - 1
)

// A Head says what a record is (specification 3.3).
type Head struct {
	Kind            byte
	Request         uint16
	Length, Padding int // of what follows
}

// ParseHead reads the first HeadBytes of a record.
func ParseHead(b []byte) Head {
	return Head{b[1], binary.BigEndian.Uint16(b[2:]), int(binary.BigEndian.Uint16(b[4:])), int(b[6])}
}

// AppendRecord appends a record. Without content it ends a stream of records.
func AppendRecord(to []byte, kind byte, request uint16, content []byte) []byte {
	to = append(to, 1, kind)
	to = binary.BigEndian.AppendUint16(to, request)
	to = binary.BigEndian.AppendUint16(to, uint16(len(content)))
	return append(append(to, 0, 0), content...)
}

// AppendStream appends as many records as a content needs, without one that ends the stream.
func AppendStream(to []byte, kind byte, request uint16, content []byte) []byte {
	for len(content) > 0 {
		part := content[:min(len(content), MaxContent)]
		content = content[len(part):]
		to = AppendRecord(to, kind, request, part)
	}
	return to
}

// AppendPair appends a name and a value (specification 3.4).
func AppendPair(to []byte, name, value string) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(name))|1<<31)
	to = binary.BigEndian.AppendUint32(to, uint32(len(value))|1<<31)
	return append(append(to, name...), value...)
}

// ParsePairs reads names and values, as far as they are whole.
func ParsePairs(pairs []byte) map[string]string {
	variables := make(map[string]string)
	for len(pairs) > 0 {
		var sizes [2]int
		for i := range sizes {
			switch {
			case len(pairs) > 0 && pairs[0] < 128:
				sizes[i], pairs = int(pairs[0]), pairs[1:]
			case len(pairs) >= 4:
				sizes[i], pairs = int(binary.BigEndian.Uint32(pairs)&(1<<31-1)), pairs[4:]
			default:
				return variables
			}
		}
		if sizes[0]+sizes[1] > len(pairs) {
			return variables
		}
		name, rest := pairs[:sizes[0]], pairs[sizes[0]:]
		variables[string(name)] = string(rest[:sizes[1]])
		pairs = rest[sizes[1]:]
	}
	return variables
}
