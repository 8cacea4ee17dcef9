package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"dbsep/internal/config"
	"dbsep/internal/server"
)

// TestServeRefusesWebPages shows that a server without a configuration, as that of
// dbsep compare is, does nothing for the pages of others.
func TestServeRefusesWebPages(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done\n") })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx, l, h, config.Default().Limits, slog.New(slog.DiscardHandler)) }()
	for origin, want := range map[string]string{
		"":                                    "done\n",
		"https://elsewhere.example":           "-1\n",
		"http://" + l.Addr().String():         "done\n",
		"http://127.0.0.1.elsewhere.example/": "-1\n",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String()+"/peers/update?name=bob", strings.NewReader("port=1"))
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(body) != want || response.Close != (want == "-1\n") {
			t.Errorf("%q: %s, %q, %v", origin, response.Status, body, err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
