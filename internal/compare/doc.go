// Package compare shows, before a migration, where two gateways respond
// differently: it sends both the same requests and reports the differences,
// with the reason where it is a known one.
//
// It sends only requests that read. It knows the realtime protocol from the
// client's side. It knows nothing of databases or of how a response is built.
package compare
