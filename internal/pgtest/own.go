package pgtest

import "testing"

// New starts a server of a test's own, which may be paused, halted and set up as
// the test likes. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	Start(t) // says what is missing
	s, err := launch(programs())
	if err != nil {
		t.Fatal(err)
	}
	s.Own(t)
	return s
}
