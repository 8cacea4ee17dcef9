package gateway

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A response is being written. A short one is sent at once with its length. A long
// one is sent in chunks of chunkBytes, so that memory does not grow with the rows.
// Until the first chunk is sent, an error can replace it.
type response struct {
	encoder
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration // for the client to accept one chunk
	started bool          // the header was sent
	reader  *reader       // nil until the response is known to be long
	status  int
	bytes   int64 // that were sent
}

const (
	// chunkBytes is how much of a long response is sent at once.
	chunkBytes = 64 << 10

	// maxKeptBytes is how large a chunk may be to be used again.
	maxKeptBytes = 4 * chunkBytes
)

// buffers keeps the memory of finished responses for later ones.
var buffers = sync.Pool{New: func() any { return new(response) }}

// newResponse returns an empty response. It must be released.
func newResponse(w http.ResponseWriter, req *request, timeout time.Duration) *response {
	resp := buffers.Get().(*response)
	*resp = response{
		encoder: encoder{format: format{json: req.json}, buf: resp.buf[:0], scratch: resp.scratch[:0]},
		w:       w,
		control: http.NewResponseController(w),
		timeout: timeout,
	}
	return resp
}

// release makes the response's memory available for other responses. The response
// must not be used after it.
func (resp *response) release() {
	if resp.isShared() {
		resp.reader.leave()
	}
	if resp.memory.bytes > 0 {
		resp.memory.close()
	}
	if max(cap(resp.buf), cap(resp.scratch)) <= freeBytes {
		*resp = response{encoder: encoder{buf: resp.buf, scratch: resp.scratch}}
		buffers.Put(resp)
	}
}

// finish ends the response and sends the rest of it.
func (resp *response) finish() error {
	if resp.isShared() {
		return resp.finishShared()
	}
	if err := resp.end(); err != nil {
		return err
	}
	if resp.reader == nil {
		return resp.send(http.StatusOK)
	}
	resp.feed.end(resp.takeChunk(), nil)
	<-resp.reader.done
	return resp.reader.err
}

// send sends the buffer as the whole response.
func (resp *response) send(status int) error {
	resp.setLength(len(resp.buf))
	resp.header(status)
	if resp.paid == 0 {
		resp.extendDeadline()
		return resp.write(resp.buf)
	}
	f := newFeed(&resp.memory, resp.patience)
	r := f.join(resp)
	defer r.leave()
	f.end(resp.takeChunk(), nil)
	return r.send()
}

// sendChunk passes the buffer to the client as one chunk of the response. The first chunk
// starts a reader.
func (resp *response) sendChunk() error {
	if resp.feed == nil {
		resp.header(http.StatusOK)
		resp.feed = newFeed(&resp.memory, resp.patience)
		resp.reader = resp.feed.join(resp)
		resp.reader.done = make(chan struct{})
		go resp.reader.run()
	}
	return resp.passChunk()
}

// isShared reports whether the query of the response is one that requests may share. Then
// the response sends what the query passes to it.
func (resp *response) isShared() bool { return resp.reader != nil && resp.reader.feed.done != nil }

// finishShared sends what the query passes to the response.
func (resp *response) finishShared() error {
	if length, ok := resp.reader.whole(); ok {
		resp.setLength(length)
	}
	resp.header(http.StatusOK)
	err := resp.reader.send()
	resp.rows = resp.reader.rows
	return err
}

// abandon sends nothing more of a long response.
func (resp *response) abandon() {
	r := resp.reader
	if r == nil {
		return
	}
	r.fail(&Error{Code: ClientGone})
	if r.done != nil {
		<-r.done
	}
}

func (resp *response) setLength(n int) { resp.w.Header().Set("Content-Length", strconv.Itoa(n)) }

func (resp *response) header(status int) {
	header := resp.w.Header()
	header["Content-Type"], header["Cache-Control"] = textPlain, noStore
	if resp.json {
		header["Content-Type"] = applicationJSON
	}
	if resp.isStale {
		header.Set("X-Dbsep-Stale", strconv.FormatInt(int64(resp.age/time.Second), 10))
	}
	resp.w.WriteHeader(status)
	resp.status, resp.started = status, true
}

// Values of headers. Nobody changes them.
var (
	textPlain       = []string{"text/plain"}
	applicationJSON = []string{"application/json"}
	noStore         = []string{"no-store"} // keeps a cache in front from serving outdated rows and errors
)

// extendDeadline gives the client the write timeout for the next write. CGI has no
// deadlines; its web server has.
func (resp *response) extendDeadline() {
	_ = resp.control.SetWriteDeadline(time.Now().Add(resp.timeout))
}

// abortWrites ends writes that are in progress.
func (resp *response) abortWrites() error { return resp.control.SetWriteDeadline(time.Unix(1, 0)) }

func (resp *response) write(text []byte) error {
	n, err := resp.w.Write(text)
	resp.bytes += int64(n)
	if err != nil {
		return &Error{Code: ClientGone, Err: err}
	}
	return nil
}
