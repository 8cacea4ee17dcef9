package inspect

import (
	"fmt"
	"io/fs"
	"os"

	"dbsep/internal/config"
)

// fileModes finds secrets that every account of the system may read, and files that it
// may write.
func fileModes(c *config.Config) (found []Finding) {
	secrets := []struct {
		key, file string
		secret    bool
	}{
		{"dbpass", c.File, c.Password != "" && c.Line("dbpass") > 0},
		{"htpasswd", c.Server.Htpasswd, true},
		{"tls_key", c.Server.TLSKey, true},
		{"tls_cert", c.Server.TLSCert, false},
		{"client_ca", c.Server.ClientCA, false},
	}
	for _, s := range secrets {
		mode := modeOf(s.file)
		f := ofSetting(c, s.key, "", "chmod o-rwx "+s.file)
		switch {
		case mode&0o002 != 0:
			f.Text = fmt.Sprintf("every account of this system may change %s", s.file)
			found = append(found, f)
		case s.secret && mode&0o004 != 0:
			f.Text = fmt.Sprintf("every account of this system may read %s, which has a secret", s.file)
			found = append(found, f)
		}
	}
	return found
}

// modeOf is the mode of a file, 0 where there is none.
func modeOf(file string) fs.FileMode {
	info, err := os.Stat(file)
	if file == "" || err != nil {
		return 0
	}
	return info.Mode().Perm()
}
