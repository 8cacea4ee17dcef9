package logging

import (
	"strings"
	"testing"
	"time"
)

// written receives the text of each write.
type written chan string

func (w written) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func TestBufferedWriter(t *testing.T) {
	t.Run("lines leave by themselves, every time again", func(t *testing.T) {
		to := make(written)
		w := &BufferedWriter{To: to, Wait: time.Millisecond}
		for range 3 {
			write(t, w, "one\n")
			if got := <-to; got != "one\n" {
				t.Errorf("%q", got)
			}
		}
	})
	t.Run("a line that cannot wait takes those in front of it along", func(t *testing.T) {
		to := make(written, 1)
		w := &BufferedWriter{To: to, Wait: time.Hour}
		write(t, w, "one\n")
		write(t, FlushingWriter{w}, "two\n")
		if got := <-to; got != "one\ntwo\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("much leaves at once", func(t *testing.T) {
		to := make(written, 1)
		w := &BufferedWriter{To: to, Wait: time.Hour}
		long := strings.Repeat("x", bufferBytes)
		write(t, w, "one\n")
		write(t, w, long)
		if got := <-to; got != "one\n"+long {
			t.Errorf("%d bytes", len(got))
		}
	})
	t.Run("without a wait each line leaves", func(t *testing.T) {
		to := make(written, 1)
		write(t, &BufferedWriter{To: to}, "one\n")
		if got := <-to; got != "one\n" {
			t.Errorf("%q", got)
		}
	})
}

func write(t *testing.T, w interface{ Write([]byte) (int, error) }, line string) {
	t.Helper()
	if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
		t.Fatal(n, err)
	}
}
