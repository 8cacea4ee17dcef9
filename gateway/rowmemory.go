package gateway

import (
	"bytes"
	"slices"
	"time"
)

// The memory of a response is its buffers and, while they are filled, a large row that
// the driver has as well. It is a share of the budget of all responses.

const (
	// freeBytes is how large the buffer of a response may be without a share, so that
	// most responses need none.
	freeBytes = 16 << 10

	// largeRow is how long a row must be for its memory to be reserved before it is
	// written.
	largeRow = chunkBytes

	// driverCopies is how often a row may be in memory before it is written: as the
	// database sent it, as values, and as text.
	driverCopies = 3
)

// addRow writes a row into the buffer.
func (e *encoder) addRow(columns [][]byte) error {
	if n := rowBytes(columns); n > largeRow {
		return e.addLargeRow(columns, n)
	}
	e.encode(columns)
	return e.pay()
}

// addLargeRow is addRow for a row of so many bytes.
func (e *encoder) addLargeRow(columns [][]byte, size int) error {
	held := driverCopies * size
	if e.json {
		held += size // for scratch
	}
	text := e.textBytes(columns)
	more := max(0, len(e.buf)+text-cap(e.buf))
	if err := e.reserve(held + more); err != nil {
		return err
	}
	defer e.memory.release(held)
	e.paid += more
	e.buf = slices.Grow(e.buf, text)
	e.encode(columns)
	e.scratch = nil
	return e.pay()
}

func rowBytes(columns [][]byte) (n int) {
	for i := range columns {
		n += len(columns[i])
	}
	return n
}

// textBytes returns how long a row becomes in the buffer, at most.
func (e *encoder) textBytes(columns [][]byte) (n int) {
	for i, value := range columns {
		if e.json {
			n += len(e.keys[i]) + len(`null,`) + jsonBytes(value)
			continue
		}
		items := 1 + bytes.Count(value, []byte{';'})
		n += items*(len(e.names[i])+len("&")) + escapedBytes(value)
	}
	return n + len("{}")
}

// pay reserves what the buffer has grown to.
func (e *encoder) pay() error {
	if cap(e.buf) <= max(freeBytes, e.paid) {
		return nil
	}
	more := cap(e.buf) - e.paid
	if err := e.reserve(more); err != nil {
		return err
	}
	e.paid += more
	return nil
}

// reserve reserves memory. If there is none at once, the query waits for it as it does
// for its client, but only if it has the slot of a long response: others must not wait
// for a connection meanwhile. If there is still none, and several clients share the query,
// those that are furthest behind are disconnected.
func (e *encoder) reserve(n int) error {
	if ok, _ := e.memory.tryReserve(n); ok {
		return nil
	}
	if err := e.slot.acquire(); err != nil {
		return err
	}
	for !e.awaitMemory(n) {
		if e.feed == nil || !e.feed.disconnectSlowest() {
			return &Error{Code: Busy, Hint: "the responses of others use all the memory: let clients read faster, or raise [limits] response_memory"}
		}
	}
	return nil
}

// awaitMemory reports whether there is memory within the time for which the query may wait.
func (e *encoder) awaitMemory(n int) bool {
	start := time.Now()
	defer func() { e.waitLeft -= time.Since(start) }()
	return e.memory.reserve(n, e.waitLeft)
}
