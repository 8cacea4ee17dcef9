package database

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestG15(t *testing.T) {
	for want, f := range map[string]float64{
		"0": 0, "0.1": 0.1, "0.3": 0.1 + 0.2, "100000": 1e5, "1e+300": 1e300, "1.234e-05": 1.234e-5,
		"1.23456789012346e+15": 1234567890123456, "123456789012345": 123456789012345, "999999999999999": 999999999999999,
		"1e+15": 1e15, "1e+16": 1e16, "0.0001": 1e-4, "1e-05": 1e-5, "-1.5": -1.5, "1e-300": 1e-300,
		"1.79769313486232e+308": math.MaxFloat64, "4.94065645841247e-324": math.SmallestNonzeroFloat64,
		"Inf": math.Inf(1), "-Inf": math.Inf(-1), "NaN": math.NaN(), "-0": math.Copysign(0, -1), "0.333333333333333": 1. / 3,
	} {
		if got := string(appendG15(nil, f)); got != want {
			t.Errorf("%v prints as %s, want %s", f, got, want)
		}
	}
}

func TestFloat32(t *testing.T) {
	for _, c := range []struct {
		f        float32
		decimals int
		want     string
	}{
		{16777217, fullPrecision, "16777200"}, {0.333333333, fullPrecision, "0.333333"}, {1e20, fullPrecision, "1e+20"},
		{0.1, fullPrecision, "0.1"}, {1e-5, fullPrecision, "1e-05"}, {123456.789, fullPrecision, "123457"}, {3.4e38, fullPrecision, "3.4e+38"},
		{1e15, fullPrecision, "1e+15"}, {0, fullPrecision, "0"}, {123456.789, 2, "123456.79"}, {1.5, 4, "1.5"},
	} {
		if got := string(appendFloat32(nil, c.f, c.decimals)); got != c.want {
			t.Errorf("%v with %d decimals prints as %s, want %s", c.f, c.decimals, got, c.want)
		}
	}
}

// FuzzG15 compares with C's rules for %.15g, spelled out: fifteen digits, an
// exponent of two digits at least where it is under -4 or over 14, no zeros at
// the end.
func FuzzG15(f *testing.F) {
	for _, x := range []float64{0, 0.1, 1e15, 999999999999999.5, 1e-5, 0.00009999999999999999, 1e300, -1e-300, math.Pi, 123456789.123456789, math.Inf(1), math.NaN()} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, x float64) {
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return
		}
		if got, want := string(appendG15(nil, x)), byTheRules(x); got != want {
			t.Errorf("%v prints as %s, want %s", x, got, want)
		}
	})
}

func byTheRules(x float64) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', 14, 64), "e")
	n, _ := strconv.Atoi(exponent)
	trim := func(s string) string {
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	if n < -4 || n >= 15 {
		return trim(mantissa) + "e" + exponent
	}
	return trim(strconv.FormatFloat(x, 'f', 14-n, 64))
}
