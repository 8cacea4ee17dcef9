// Package auth decides who may ask, and which tables a client may read and
// write: by network, password and certificate, each where it is configured.
//
// It decides neither how a refusal is answered, which the gateway does, nor
// where the rules stand in a file.
package auth
