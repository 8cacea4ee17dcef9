// Package kamailio proves dbsep with the requests of a real Kamailio: each feature
// is a SIP request to it, and is judged by the SIP response. Its configuration is
// that of docs/kamailio.md.
package kamailio
