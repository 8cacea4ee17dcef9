package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"

	"dbsep/config"
)

// A door is the server that takes the connections of clients. Generations that
// deal with them alike share it, and it ends with the last: to close connections
// that clients keep open would lose requests that are on their way at that moment.
type door struct {
	*http.Server
	users     atomic.Int32
	share     *share // of the front; nil until it is open
	newcomers newcomers
}

// sameDoor tells whether two configurations want the connections of clients to be
// dealt with alike. Authorities of certificates are read anew each time.
func sameDoor(a, b *config.Config) bool {
	return a.Log == b.Log && a.Server.Listen == b.Server.Listen && a.Server.TLSCert+b.Server.TLSCert == "" &&
		a.Limits.Header == b.Limits.Header && a.Limits.Read == b.Limits.Read && a.Limits.Idle == b.Limits.Idle
}

// open lets clients in, unless the door is open already.
func (d *door) open(f *front) {
	if d.share != nil {
		return
	}
	d.share, d.ConnState = f.share(), d.newcomers.observe
	var clients net.Listener = d.share
	if d.TLSConfig != nil {
		clients = tls.NewListener(clients, d.TLSConfig)
	}
	go d.Serve(clients) //nolint:errcheck // it ends by Shutdown
}

// shut lets nobody else in. It waits for those who are in and have not asked yet,
// since net/http drops what they ask once it shuts down.
func (d *door) shut() {
	_ = d.share.Close()
	d.SetKeepAlivesEnabled(false)
	d.newcomers.wait(d.share.total(), newcomerPatience)
}
