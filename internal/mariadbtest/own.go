package mariadbtest

import "testing"

// New starts a server of a test's own, which may be paused, halted and set up as
// the test likes. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	Start(t) // says what is missing
	install, err1 := find("mariadb-install-db")
	server, err2 := find("mariadbd")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	s, err := launch(install, server)
	if err != nil {
		t.Fatal(err)
	}
	s.Own(t)
	return s
}
