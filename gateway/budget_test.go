package gateway

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestAllOfABudgetCanBeUsed(t *testing.T) {
	b := NewByteBudget(10)
	one, other := &share{budget: b}, &share{budget: b}
	for _, test := range []struct {
		name string
		of   *share
		n    int
		want bool
	}{
		{"a part", one, 4, true},
		{"more than the rest", other, 7, false},
		{"the rest", other, 6, true},
		{"one byte more", one, 1, false},
	} {
		if got := test.of.reserve(test.n, 0); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	one.close()
	other.close()
	if one.reserve(11, time.Hour) {
		t.Error("more than all was reserved")
	}
	if !one.reserve(10, 0) {
		t.Error("all was not reserved")
	}
	if want := (BudgetStats{10, 10, 3}); b.Stats() != want {
		t.Errorf("%+v, want %+v", b.Stats(), want)
	}
}

// A client is named by the function that disconnects it.
type disconnect func()

func (d disconnect) evict() bool { d(); return true }

func TestWhoIsDisconnectedForMemory(t *testing.T) {
	for _, test := range []struct {
		name string
		need int
		want []string
	}{
		{"nobody for what is left", 4, nil},
		{"the slowest", 5, []string{"slow"}},
		{"as many as are needed, those who still have time excepted", 8, []string{"slow", "slower than it may be"}},
		{"all who have no more time, for all", 10, []string{"slow", "slower than it may be"}},
		{"nobody for more than all", 11, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var gone []string
				b := NewByteBudget(10)
				for _, name := range []string{"slow", "slower than it may be", "quick"} {
					s := &share{budget: b}
					if !s.reserve(2, 0) {
						t.Fatal(name)
					}
					if name == "quick" {
						time.Sleep(time.Second)
					}
					b.wait(&unread{patience: time.Second, client: disconnect(func() {
						gone = append(gone, name)
						s.free(s.bytes)
					})})
					time.Sleep(time.Millisecond)
				}
				s := &share{budget: b}
				if ok := s.reserve(test.need, 0); ok != (test.need <= 8) || !slices.Equal(gone, test.want) {
					t.Errorf("reserved: %v; disconnected: %q", ok, gone)
				}
			})
		})
	}
}
