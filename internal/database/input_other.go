//go:build !unix

package database

import "net"

// hasInput does not know here.
func hasInput(net.Conn) bool { return false }
