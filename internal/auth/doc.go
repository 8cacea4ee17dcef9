// Package auth decides which clients may connect, and which tables and columns a
// client may read and write: by network, password and certificate, each where it
// is configured.
//
// Its types [Ruling] and [Right] are the one model of rights. How a refusal is sent
// is the gateway's matter, and where the rules are in a file is config's.
package auth
