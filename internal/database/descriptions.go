package database

import (
	"strings"
	"sync"
	"time"

	"dbsep/sqlgen"
)

// descriptions are the tables that were described before. Whether one has changed is a
// short query.
type descriptions struct {
	mu    sync.Mutex
	known map[string]description // by the name that was looked for
}

type description struct {
	*sqlgen.Table
	fingerprint string    // as it was before the table was described; empty: not known
	found       time.Time // when the name was looked for in the whole schema
}

const (
	// maxDescriptions limits how many names are known.
	maxDescriptions = 1024

	// spellingTTL is how long the table that a name leads to is not looked for among all
	// tables. Some servers open each of them for that.
	spellingTTL = time.Minute
)

// take returns the description of a name, and forgets it: set keeps it if it is right.
func (d *descriptions) take(name string) (description, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.known[name]
	delete(d.known, name)
	return known, ok && time.Since(known.found) < spellingTTL
}

func (d *descriptions) set(name string, t description) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known) >= maxDescriptions {
		d.known = make(map[string]description)
	}
	d.known[strings.Clone(name)] = t
}
