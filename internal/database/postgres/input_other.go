//go:build !unix

package postgres

import "net"

// hasInput does not know here.
func hasInput(net.Conn) bool { return false }
