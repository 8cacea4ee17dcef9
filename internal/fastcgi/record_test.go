package fastcgi

import (
	"maps"
	"strings"
	"testing"
)

func TestRecords(t *testing.T) {
	content := strings.Repeat("x", MaxContent+3)
	stream := AppendRecord(AppendStream(nil, Params, 258, []byte(content)), Params, 258, nil)
	var got []byte
	for _, length := range []int{MaxContent, 3, 0} {
		head := ParseHead(stream)
		if want := (Head{Kind: Params, Request: 258, Length: length}); head != want {
			t.Errorf("%+v, want %+v", head, want)
		}
		stream = stream[HeadBytes:]
		got, stream = append(got, stream[:head.Length]...), stream[head.Length:]
	}
	if string(got) != content || len(stream) > 0 {
		t.Errorf("%d bytes of content, %d more", len(got), len(stream))
	}
}

func TestPairs(t *testing.T) {
	want := map[string]string{"A": "", "": "b", "LONG": strings.Repeat("x", 300)}
	var pairs []byte
	for name, value := range want {
		pairs = AppendPair(pairs, name, value)
	}
	if got := ParsePairs(pairs); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	short := []byte("\x01\x02AbcB\x80\x00") // a pair with short lengths, and one that is cut
	if got := ParsePairs(short); !maps.Equal(got, map[string]string{"A": "bc"}) {
		t.Errorf("%v", got)
	}
}
