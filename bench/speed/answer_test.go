package speed

import (
	"bufio"
	"bytes"
	"database/sql"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A digest is what a response says. It does not depend on the order of the rows and
// of the pairs in them, which the Perl script leaves to chance.
type digest struct {
	rows int
	sum  uint64
}

func (d *digest) add(pairs []string) {
	slices.Sort(pairs)
	h := fnv.New64a()
	for _, p := range pairs {
		_, _ = io.WriteString(h, p+"\n")
	}
	d.rows++
	d.sum += h.Sum64()
}

// ask checks that a program sends the right response, and returns what is wrong.
func (s *site) ask(t *testing.T, base string, q question) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+q.path, strings.NewReader(q.form))
	check(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var begin bytes.Buffer
	got, err := readAnswer(io.TeeReader(response.Body, &limited{&begin}), q.rows == "")
	if err != nil {
		return fmt.Errorf("%s: %w", q.path, err)
	}
	want := digest{rows: 1, sum: 1}
	if q.rows != "" {
		want = s.digest(t, q.rows)
	}
	if response.StatusCode != http.StatusOK || got != want {
		return fmt.Errorf("%s: wrong answer: status %d, %d rows, not %d; it begins %q", q.path, response.StatusCode, got.rows, want.rows, begin.String())
	}
	return nil
}

// limited keeps the beginning of what is written.
type limited struct{ *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), max(0, 200-l.Len()))])
	return len(p), nil
}

// readAnswer reads rows, or a count, whose digest has it as its sum.
func readAnswer(r io.Reader, count bool) (d digest, err error) {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF && line == "" {
			return d, nil
		}
		if err != nil {
			return d, fmt.Errorf("the answer is broken off: %w", err)
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "": // no row
		case count:
			d.rows++
			_, err = fmt.Sscanf(line, "%d", &d.sum)
		default:
			var pairs []string
			for pair := range strings.SplitSeq(line, "&") {
				if pair, err = url.PathUnescape(pair); err != nil {
					break
				}
				pairs = append(pairs, pair)
			}
			d.add(pairs)
		}
		if err != nil {
			return d, fmt.Errorf("the answer cannot be read: %w", err)
		}
	}
}

// digest is that of the right response, read from the database without any program.
func (s *site) digest(t *testing.T, query string) (d digest) {
	t.Helper()
	rows, err := s.DB.QueryContext(t.Context(), query)
	check(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	check(t, err)
	values, dest := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		check(t, rows.Scan(dest...))
		var pairs []string
		for i, v := range values {
			if v.String != "" {
				pairs = append(pairs, names[i]+"="+strings.ReplaceAll(v.String, "^3B", ";"))
			}
		}
		d.add(pairs)
	}
	check(t, rows.Err())
	return d
}
