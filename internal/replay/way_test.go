package replay

import (
	"testing"

	"dbsep/internal/database"
)

// An answer is dbsep's response, and what it wrote to its log meanwhile.
type answer struct {
	status int
	code   string // X-Dbsep-Error
	kind   string // Content-Type
	body   string
	log    string
}

// A way is a way to send requests to dbsep.
type way interface {
	ask(t *testing.T, source database.Source, r *request) answer
}
