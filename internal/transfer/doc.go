// Package transfer moves Asterisk's configuration files into tables, and files of its
// static realtime back.
package transfer
