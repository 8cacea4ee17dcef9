package database

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// appendG15 appends a number as C prints it with "%.15g", which is how Perl
// prints every number that is not whole. Go's 'g' with an explicit precision
// follows the same rules but for infinity.
func appendG15(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "Inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-Inf"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 15, 64)
}

// fullPrecision marks a number that was declared without a count of decimals.
const fullPrecision = -1

// appendFloat32 appends a number of single precision as Perl printed it. The
// server gave Perl a text of six significant digits, or of the decimals that
// were declared; Perl read it as a number and printed that.
func appendFloat32(dst []byte, f float32, decimals int) []byte {
	var text [64]byte
	short := strconv.AppendFloat(text[:0], float64(f), 'g', 6, 64)
	if decimals != fullPrecision {
		short = strconv.AppendFloat(text[:0], float64(f), 'f', decimals, 64)
	}
	seen, err := strconv.ParseFloat(string(short), 64)
	if err != nil {
		return append(dst, short...)
	}
	return appendG15(dst, seen)
}

// AppendText appends a driver's value as the Perl driver printed it. Where the
// decimals of its column count, see appendFloat32.
func AppendText(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case []byte:
		return append(dst, v...), nil
	case string:
		return append(dst, v...), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case float64:
		return appendG15(dst, v), nil
	case float32:
		return appendFloat32(dst, v, fullPrecision), nil
	case bool, time.Time:
		// A driver that makes one of these has lost the stored text: the
		// dialect's Read must keep it from doing so.
		return dst, fmt.Errorf("read a column: the driver gave a %T", v)
	}
	return dst, fmt.Errorf("read a column: no text for a %T", value)
}
