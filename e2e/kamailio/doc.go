// Package kamailio proves dbsep as what a real Kamailio asks: each feature is a
// SIP request to it, and is judged by the SIP reply. Its configuration is that
// of docs/kamailio.md.
package kamailio
