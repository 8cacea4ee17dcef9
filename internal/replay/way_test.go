package replay

import (
	"testing"

	"dbsep/internal/database"
)

// An answer is what dbsep answered, and what it wrote to its log meanwhile.
type answer struct {
	status int
	code   string // X-Dbsep-Error
	kind   string // Content-Type
	body   string
	log    string
}

// A way is a way to ask dbsep.
type way interface {
	ask(t *testing.T, source database.Source, r *request) answer
}
