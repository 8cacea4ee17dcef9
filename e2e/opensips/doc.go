// Package opensips proves dbsep as what OpenSIPS and Kamailio ask on the wire.
// OpenSIPS is in no Debian suite, so its requests are made here, byte for byte,
// from the script lines of docs/opensips.md. Each need of these clients has a
// test that is named after it.
package opensips
