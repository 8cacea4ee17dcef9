package mariadbtest

import "testing"

// New starts a server of a test's own, which may be paused, halted and set up as
// the test likes. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	if shared := Start(t); shared.MySQL && testing.Short() { // Start says what is missing
		t.Skip("a MySQL of a test's own takes long to start and to end")
	}
	p, _ := chosen()
	s, err := launch(p)
	if err != nil {
		t.Fatal(err)
	}
	s.Own(t)
	return s
}
