// Package configfile finds the dbsep.conf of a process and says which version of it is on
// the disk. dbsep-cgi and the server must agree on both. It does not read the file.
package configfile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"strconv"
)

// ownFile is dbsep's own configuration, perlFile that of Asterisk's Perl script.
const (
	ownFile  = "/etc/dbsep/dbsep.conf"
	perlFile = "/etc/asterisk/dbsep.conf"
)

// Path returns the file that DBSEP_CONF names, or the usual one.
func Path() string { return cmp.Or(os.Getenv("DBSEP_CONF"), usualFile(ownFile, perlFile)) }

// IsUsual reports whether a file is one that is used without being named.
func IsUsual(file string) bool { return file == ownFile || file == perlFile }

// usualFile returns dbsep's own configuration where there is one, else that of
// the Perl script. One that cannot be looked at counts as there: its reader then
// says what is wrong, instead of working with another.
func usualFile(own, perl string) string {
	if _, err := os.Stat(own); errors.Is(err, fs.ErrNotExist) {
		return perl
	}
	return own
}

// VersionVariable is the variable by which a server reports the version of the
// configuration that it works with.
const VersionVariable = "DBSEP_CONF_VERSION"

// Version identifies a file and its content: another file has another one, and so has the
// same file after a change. It needs no permission to read the file.
func Version(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	version := strconv.FormatInt(info.Size(), 16) + "-" + strconv.FormatInt(info.ModTime().UnixNano(), 16)
	return inode(info) + version, nil
}
