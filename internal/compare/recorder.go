package compare

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// A Recorder stands in front of the old gateway: every client gets the old
// one's answer, byte for byte, while what only reads is asked of the new one in
// the background and compared. Writes pass through once.
type Recorder struct {
	new   Gateway
	tell  func(Difference)
	proxy *httputil.ReverseProxy
	limit int64 // bytes of a body

	refuse func(w http.ResponseWriter, r *http.Request, err error)

	waiting chan pending
	mu      sync.Mutex
	sum     Summary
	dropped int
}

// pending is an answered request that is still to be compared.
type pending struct {
	request Request
	old     Answer
}

// backlog bounds the comparisons that wait. When the new gateway cannot keep
// up, further ones are left out rather than clients kept waiting.
const backlog = 1024

// requestBytes bounds the body of a request that is compared.
const requestBytes = 4 << 20

// NewRecorder returns a recorder in front of the gateway at a base URL. Its Run
// must be called for anything to be compared. Where the old gateway does not respond,
// refuse does, so that Asterisk takes it for a failure.
func NewRecorder(old string, new Gateway, refuse func(w http.ResponseWriter, r *http.Request, err error), tell func(Difference)) (*Recorder, error) {
	base, err := url.Parse(old)
	if err != nil {
		return nil, err
	}
	base.Path = cmp.Or(base.Path, "/") // so that what is joined to it is absolute
	r := &Recorder{new: new, tell: tell, refuse: refuse, limit: requestBytes, waiting: make(chan pending, backlog)}
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

// asked is the key under which a request travels to its answer.
type asked struct{}

// ServeHTTP passes a request to the old gateway and its answer back.
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
		in = in.WithContext(context.WithValue(in.Context(), asked{}, request))
	}
	r.proxy.ServeHTTP(w, in)
}

// observe keeps a copy of an answer while it passes to the client.
func (r *Recorder) observe(response *http.Response) error {
	request, ok := response.Request.Context().Value(asked{}).(Request)
	if !ok {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, answerBytes+1))
	if err != nil {
		return err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), response.Body), response.Body}
	if len(body) > answerBytes {
		r.drop()
		return nil
	}
	select {
	case r.waiting <- pending{request, Answer{Status: response.StatusCode, Body: string(body)}}:
	default:
		r.drop()
	}
	return nil
}

func (r *Recorder) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropped++
}

// Run compares what was asked until the recorder is closed and nothing waits any
// more, or ctx ends.
func (r *Recorder) Run(ctx context.Context) {
	for p := range r.waiting {
		d := Difference{Request: p.request}
		if is, err := r.new.Ask(ctx, p.request); err != nil {
			d.Err = err
		} else {
			d.Verdict = Compare(p.request, p.old, is)
		}
		if ctx.Err() != nil {
			return
		}
		r.mu.Lock()
		r.sum.count(d)
		r.mu.Unlock()
		if !d.Verdict.Same {
			r.tell(d)
		}
	}
}

// Close tells Run that no more requests come. No request may be in flight.
func (r *Recorder) Close() { close(r.waiting) }

// Summary is what the recorder has seen so far, and how many comparisons were
// left out because too many waited.
func (r *Recorder) Summary() (sum Summary, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum = r.sum
	sum.Reasons = maps.Clone(r.sum.Reasons)
	return sum, r.dropped
}
