// Package control is the way to a running server for the administrator of its machine: a
// socket beside those of its clients, which only root and the account of the server may use.
package control
