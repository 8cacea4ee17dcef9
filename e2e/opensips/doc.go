// Package opensips proves dbsep with the requests that OpenSIPS and Kamailio send.
// OpenSIPS is in no Debian suite (bookworm to sid), so its requests are made here,
// byte for byte, from the script lines of docs/opensips.md; the test of the package
// docs checks how these lines treat a response. Each need of these clients has a
// test that is named after it.
package opensips
