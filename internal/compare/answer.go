package compare

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// An Answer is what a gateway said.
type Answer struct {
	Status int
	Code   string // X-Dbsep-Error: empty from any other gateway
	Body   string
}

// A Gateway is one of the two that are compared, by the URL in front of
// /TABLE/OPERATION.
type Gateway struct {
	URL    string
	Client *http.Client
}

// answerBytes bounds an answer that is kept for a comparison.
const answerBytes = 64 << 20

// Dial returns a gateway at a base URL. Every question is bounded.
func Dial(base string) Gateway {
	return Gateway{strings.TrimRight(base, "/"), &http.Client{
		Timeout:       3 * time.Minute, // as long as Asterisk itself waits
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Ask sends a request and reads the whole answer.
func (g Gateway) Ask(ctx context.Context, r Request) (Answer, error) {
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
		return Answer{}, fmt.Errorf("ask %s: %w", g.URL, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := g.Client.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("ask %s: %w", g.URL, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerBytes+1))
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer of %s: %w", g.URL, err)
	}
	if len(text) > answerBytes {
		return Answer{}, fmt.Errorf("read the answer of %s: it is larger than %d MiB", g.URL, answerBytes>>20)
	}
	return Answer{response.StatusCode, response.Header.Get("X-Dbsep-Error"), string(text)}, nil
}
