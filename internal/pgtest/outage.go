package pgtest

import (
	"testing"
)

// New starts a server of a test's own, which may be paused, halted and set up as
// the test likes. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	Start(t) // says what is missing
	s, err := launch(programs())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.process.Resume()
		s.root.Close()
		s.process.Stop()
	})
	return s
}

// Pause keeps the server from saying anything until Resume.
func (s *Server) Pause(t testing.TB) { check(t, s.process.Pause()) }

// Resume ends a pause.
func (s *Server) Resume(t testing.TB) { check(t, s.process.Resume()) }

// Halt ends the server until Again.
func (s *Server) Halt(t testing.TB) { check(t, s.process.Halt()) }

// Again starts the server anew, with its databases, and waits until it takes
// connections.
func (s *Server) Again(t testing.TB) {
	t.Helper()
	check(t, s.process.Again())
	check(t, s.process.Await(s.root.PingContext))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
