package testserver

import (
	"database/sql"
	"testing"
)

// A Server is a database server of any kind as tests see it fail and recover.
type Server struct {
	Process *Process
	Root    *sql.DB // the tests' own way in
}

// Own ends a server with the test that it belongs to.
func (s *Server) Own(t testing.TB) {
	t.Cleanup(func() {
		s.Process.Resume()
		s.Stop()
	})
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	s.Root.Close()
	s.Process.Stop()
}

// Pause keeps the server from saying anything until Resume.
func (s *Server) Pause(t testing.TB) { check(t, s.Process.Pause()) }

// Resume ends a pause.
func (s *Server) Resume(t testing.TB) { check(t, s.Process.Resume()) }

// Halt ends the server until Again.
func (s *Server) Halt(testing.TB) { s.Process.End() }

// Again starts the server again, with its databases, and waits until it takes
// connections.
func (s *Server) Again(t testing.TB) {
	t.Helper()
	check(t, s.Process.Again())
	check(t, s.Process.Await(s.Root.PingContext))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
