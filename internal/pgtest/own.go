package pgtest

import "testing"

// New starts a server of a test's own, which may be paused, halted and set up as
// the test likes, with settings such as "ssl=off". It ends with the test.
func New(t testing.TB, settings ...string) *Server {
	t.Helper()
	Start(t) // says what is missing
	s, err := launch(programs(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	s.Own(t)
	return s
}
