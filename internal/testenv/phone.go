package testenv

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// A Phone sends requests as a PBX does while all is well, one after the other, and
// knows what each response must be. Its requests are for the tables of
// e2e/attack/testdata.
type Phone struct {
	Name     string
	Answers  atomic.Int64 // that were right
	Asked    atomic.Int64
	base     string
	client   *http.Client
	sequence int
}

// NewPhone returns a phone that sends requests to a base URL, from an address of
// this machine, empty for any. No two phones may have the same name.
func NewPhone(base, name, from string) *Phone {
	var d net.Dialer
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return &Phone{Name: name, base: base, client: &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableCompression: true}}}
}

// Round makes one request of each kind. The error describes the first wrong
// response.
func (p *Phone) Round(ctx context.Context) error {
	p.sequence++
	name, number := url.QueryEscape(p.Name), p.sequence
	for _, one := range []struct {
		target, body, want string
		status             int
	}{
		{"/peers/store", fmt.Sprintf("name=%s&context=c%d&port=5060", name, number), "1\n", 200},
		{"/peers/single", "name=" + name, fmt.Sprintf("name=%s&context=c%d&port=5060\n", name, number), 200},
		{"/peers/update?name=" + name, fmt.Sprintf("port=%d", number), "1\n", 200},
		{"/peers/multi", fmt.Sprintf("name=%s&port+>%%3D=%d", name, number), fmt.Sprintf("name=%s&context=c%d&port=%d\n", name, number, number), 200},
		{"/members/multi", "queue=desk", deskMembers, 200},
		{"/members/require", "device=char:40&penalty=integer2:5", "0\n", 200},
		{"/peers/single", "name=nobody", "\n", 200},
		{"/peers/single", "nickname=nobody", "", 400},
		{"/nowhere/update?name=" + name, "port=1", "-1\n", 200},
		{"/peers/destroy", "name=" + name, "1\n", 200},
	} {
		if err := p.ask(ctx, one.target, one.body, one.want, one.status); err != nil {
			return fmt.Errorf("%s: %s: %w", p.Name, one.target, err)
		}
	}
	return nil
}

// Ask makes a request for a response that is too long to be compared, and counts
// its rows.
func (p *Phone) Ask(ctx context.Context, target, body string) (rows int, err error) {
	_, text, err := p.post(ctx, target, body)
	if err == nil {
		p.Answers.Add(1)
	}
	return strings.Count(text, "\n"), err
}

func (p *Phone) ask(ctx context.Context, target, body, want string, status int) error {
	got, text, err := p.post(ctx, target, body)
	if err == nil && (got != status || text != want) {
		err = fmt.Errorf("answered %d %.80q, want %d %.80q", got, text, status, want)
	}
	if err == nil {
		p.Answers.Add(1)
	}
	return err
}

func (p *Phone) post(ctx context.Context, target, body string) (status int, text string, err error) {
	p.Asked.Add(1)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+target, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := p.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	return response.StatusCode, string(all), err
}

// Close hangs up.
func (p *Phone) Close() { p.client.CloseIdleConnections() }

// deskMembers are the 20 members of the queue "desk".
var deskMembers = func() string {
	var all strings.Builder
	for i := range 20 {
		fmt.Fprintf(&all, "queue=desk&device=PJSIP%%2F%d&penalty=%d\n", 100+i, i)
	}
	return all.String()
}()
