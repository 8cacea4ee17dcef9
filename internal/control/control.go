package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A Server responds to the administrator until it is closed.
type Server struct{ http *http.Server }

// Serve opens the socket of this process and lets a handler respond there. The error is
// [errors.ErrUnsupported] on a system that has no such sockets.
func Serve(h http.Handler) (*Server, error) {
	l, err := listen()
	if err != nil {
		return nil, err
	}
	s := &http.Server{
		Handler: onlyAdministrators(h),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, clientKey{}, mayAsk(c))
		},
		ReadTimeout: 10 * time.Second,
	}
	go func() { _ = s.Serve(l) }()
	return &Server{s}, nil
}

// Close ends requests in flight, too. A nil Server is closed already.
func (s *Server) Close() {
	if s != nil {
		_ = s.http.Close()
	}
}

// clientKey is the key of whether a client may ask.
type clientKey struct{}

func onlyAdministrators(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if allowed, _ := r.Context().Value(clientKey{}).(bool); !allowed {
			http.Error(w, "only root and the account of the server may ask it", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Send sends a request to the server that is process pid, and returns what the server says:
// as the error if it is no success.
func Send(ctx context.Context, pid int, method, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://server"+path, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, pid) },
	}}
	response, err := client.Do(r)
	if err != nil {
		return "", fmt.Errorf("process %d: %w", pid, errors.Unwrap(err)) // without the URL
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return "", fmt.Errorf("process %d: %w", pid, err)
	case response.StatusCode != http.StatusOK:
		return "", fmt.Errorf("process %d: %s", pid, bytes.TrimSpace(text))
	}
	return string(text), nil
}
