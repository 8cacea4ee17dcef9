package compare

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A Response is what a gateway sent back.
type Response struct {
	Status      int
	ContentType string
	Code        string // X-Dbsep-Error: empty from any other gateway
	Body        string
}

// A Gateway is one of the two that are compared. URL is its base, without
// /TABLE/OPERATION.
type Gateway struct {
	URL    string
	Client *http.Client
}

// maxResponseBytes limits a response that is kept for a comparison.
const maxResponseBytes = 64 << 20

// Dial returns a gateway at a base URL. Every request has a timeout.
func Dial(base string) Gateway {
	return Gateway{strings.TrimRight(base, "/"), &http.Client{
		Timeout:       3 * time.Minute, // as long as Asterisk itself waits
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send sends a request and reads the whole response.
func (g Gateway) Send(ctx context.Context, r Request) (Response, error) {
	url := g.URL + r.target()
	if r.Query != "" {
		url += "?" + r.Query
	}
	var body io.Reader
	if r.Method == http.MethodPost {
		body = strings.NewReader(r.Body)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, url, body)
	if err != nil {
		return Response{}, fmt.Errorf("send a request to %s: %w", g.URL, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := g.Client.Do(request)
	if err != nil {
		return Response{}, fmt.Errorf("send a request to %s: %w", g.URL, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes+1))
	if err != nil {
		return Response{}, fmt.Errorf("read the response of %s: %w", g.URL, err)
	}
	if len(text) > maxResponseBytes {
		return Response{}, fmt.Errorf("read the response of %s: it is larger than %d MiB", g.URL, maxResponseBytes>>20)
	}
	return newResponse(response, text), nil
}

func newResponse(r *http.Response, body []byte) Response {
	return Response{r.StatusCode, r.Header.Get("Content-Type"), r.Header.Get("X-Dbsep-Error"), string(body)}
}
