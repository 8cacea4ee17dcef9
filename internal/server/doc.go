// Package server is the standalone server: its listeners, TLS, the PROXY protocol,
// reloads, systemd, the status endpoints and the access log.
package server
