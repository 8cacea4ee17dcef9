package setup

import (
	"fmt"
	"net"

	"dbsep/internal/config"
)

// CheckAccess reports what is missing if other machines can reach an address and no
// setting limits who may connect.
func CheckAccess(a net.Addr, s config.Server) error {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() || len(s.Allow) > 0 || s.Htpasswd != "" || s.ClientCA != "" {
		return nil
	}
	return fmt.Errorf("everybody who can reach %s could read and change the tables: add to [server] a line allow= with the networks that may connect, "+
		"or htpasswd=, or tls_cert=, tls_key= and client_ca=, or listen on 127.0.0.1; --insecure does without", a)
}
