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
func (resp *response) addRow(columns [][]byte, write func(columns [][]byte)) error {
	if n := rowBytes(columns); n > largeRow {
		return resp.addLargeRow(columns, n, write)
	}
	write(columns)
	return resp.pay()
}

// addLargeRow is addRow for a row of so many bytes.
func (resp *response) addLargeRow(columns [][]byte, size int, write func(columns [][]byte)) error {
	held := driverCopies * size
	if resp.json {
		held += size // for scratch
	}
	text := resp.textBytes(columns)
	more := max(0, len(resp.buf)+text-cap(resp.buf))
	if err := resp.reserve(held + more); err != nil {
		return err
	}
	defer resp.memory.release(held)
	resp.paid += more
	resp.buf = slices.Grow(resp.buf, text)
	write(columns)
	resp.scratch = nil
	return resp.pay()
}

func rowBytes(columns [][]byte) (n int) {
	for i := range columns {
		n += len(columns[i])
	}
	return n
}

// textBytes returns how long a row becomes in the buffer, at most.
func (resp *response) textBytes(columns [][]byte) (n int) {
	for i, value := range columns {
		if resp.json {
			n += len(resp.keys[i]) + len(`null,`) + jsonBytes(value)
			continue
		}
		items := 1 + bytes.Count(value, []byte{';'})
		n += items*(len(resp.names[i])+len("&")) + escapedBytes(value)
	}
	return n + len("{}")
}

// pay reserves what the buffer has grown to.
func (resp *response) pay() error {
	if cap(resp.buf) <= max(freeBytes, resp.paid) {
		return nil
	}
	more := cap(resp.buf) - resp.paid
	if err := resp.reserve(more); err != nil {
		return err
	}
	resp.paid += more
	return nil
}

// reserve reserves memory. If there is none at once, the query waits for it as it does
// for its client, but only if it has the slot of a long response: others must not wait
// for a connection meanwhile.
func (resp *response) reserve(n int) error {
	if ok, _ := resp.memory.tryReserve(n); ok {
		return nil
	}
	if err := resp.slot.acquire(); err != nil {
		return err
	}
	start := time.Now()
	ok := resp.memory.reserve(n, resp.waitLeft)
	resp.waitLeft -= time.Since(start)
	switch {
	case ok:
		return nil
	case resp.memory.isEvicted():
		return &Error{Code: SlowClient}
	}
	return &Error{Code: Busy, Hint: "the responses of others use all the memory: let clients read faster, or raise [limits] response_memory"}
}
