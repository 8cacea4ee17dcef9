package dsn

import (
	"os/user"
	"path/filepath"
)

// LoginName is the name of the account that dbsep runs as, which the C libraries
// log in with where no other is named; empty where nobody knows it.
func LoginName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// InHome returns the path of a file below the account's home directory, empty
// where nobody knows one.
func InHome(environ func(string) string, names ...string) string {
	dir := environ("HOME")
	if dir == "" {
		u, err := user.Current()
		if err != nil || u.HomeDir == "" {
			return ""
		}
		dir = u.HomeDir
	}
	return filepath.Join(append([]string{dir}, names...)...)
}
