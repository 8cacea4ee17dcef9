package compare

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// A Recorder is a proxy in front of the old gateway: every client gets the old
// gateway's response, byte for byte. In the background, requests that only read
// are sent to the new gateway, too, and the responses are compared. Writes are
// passed on once.
type Recorder struct {
	new    Gateway
	report func(Difference) // the first of each kind
	proxy  *httputil.ReverseProxy
	limit  int64 // bytes of a body

	refuse func(w http.ResponseWriter, r *http.Request, err error)

	waiting chan pending
	mu      sync.Mutex
	sum     Summary
}

// pending is a request with the old gateway's response, still to be compared.
type pending struct {
	request Request
	old     Response
}

// backlog limits the comparisons that wait. When the new gateway cannot keep
// up, further ones are dropped, so that no client waits for them.
const backlog = 1024

// maxRequestBytes limits the body of a request that is compared.
const maxRequestBytes = 4 << 20

// NewRecorder returns a recorder in front of the gateway at a base URL. Its Run
// must be called for anything to be compared. Where the old gateway does not respond,
// refuse does, so that Asterisk takes it for a failure.
func NewRecorder(old string, new Gateway, refuse func(w http.ResponseWriter, r *http.Request, err error), report func(Difference)) (*Recorder, error) {
	base, err := url.Parse(old)
	if err != nil {
		return nil, err
	}
	base.Path = cmp.Or(base.Path, "/") // so that what is joined to it is absolute
	r := &Recorder{new: new, report: report, refuse: refuse, limit: maxRequestBytes, waiting: make(chan pending, backlog)}
	r.proxy = &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			out := base.JoinPath(Request{Path: p.In.URL.EscapedPath()}.target())
			out.RawQuery = p.In.URL.RawQuery
			p.Out.URL = out
			p.Out.Host = base.Host
		},
		ModifyResponse: r.observe,
		ErrorHandler:   func(w http.ResponseWriter, in *http.Request, err error) { refuse(w, in, err) },
	}
	return r, nil
}

// requestKey is the context key of the request that a response belongs to.
type requestKey struct{}

// ServeHTTP passes a request to the old gateway and returns its response.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	request := Request{Method: in.Method, Path: in.URL.EscapedPath(), Query: in.URL.RawQuery}
	if !request.Reads() {
		r.mu.Lock()
		r.sum.Writes++
		r.mu.Unlock()
		r.proxy.ServeHTTP(w, in)
		return
	}
	body, err := io.ReadAll(io.LimitReader(in.Body, r.limit+1))
	if err != nil {
		r.refuse(w, in, err)
		return
	}
	in.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), in.Body), in.Body}
	if int64(len(body)) <= r.limit {
		request.Body = string(body)
		in = in.WithContext(context.WithValue(in.Context(), requestKey{}, request))
	}
	r.proxy.ServeHTTP(w, in)
}

// observe keeps a copy of a response while it passes to the client.
func (r *Recorder) observe(response *http.Response) error {
	request, ok := response.Request.Context().Value(requestKey{}).(Request)
	if !ok {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes+1))
	if err != nil {
		return err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), response.Body), response.Body}
	if len(body) > maxResponseBytes {
		r.drop()
		return nil
	}
	select {
	case r.waiting <- pending{request, newResponse(response, body)}:
	default:
		r.drop()
	}
	return nil
}

func (r *Recorder) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Dropped++
}

// Run compares the recorded requests until the recorder is closed and none waits
// any more, or until ctx ends.
func (r *Recorder) Run(ctx context.Context) {
	for p := range r.waiting {
		is, err := r.new.Send(ctx, p.request)
		if ctx.Err() != nil {
			return
		}
		r.mu.Lock()
		d := r.sum.add(p.request, p.old, is, nil, err)
		r.mu.Unlock()
		if d != nil {
			r.report(*d)
		}
	}
}

// Close makes Run return after the requests that still wait. No request may be
// in flight.
func (r *Recorder) Close() { close(r.waiting) }

// Summary is what the recorder has seen when Run has returned.
func (r *Recorder) Summary() *Summary { return &r.sum }
