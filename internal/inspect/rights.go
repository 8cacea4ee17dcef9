package inspect

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/config"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// checkAccess reports what would keep the server from starting: files of passwords and
// certificates that cannot be used, and an address that is open to everybody.
func (s site) checkAccess(ctx context.Context) (found []Finding) {
	failed := func(key string, err error) {
		f := ofSetting(s.Config, key, strings.TrimPrefix(err.Error(), "read [server] "+key+": "), "")
		f.Level = Error
		found = append(found, f)
	}
	c := s.Config.Server
	if _, err := auth.New(setup.AuthRules(s.Config)); err != nil {
		failed("htpasswd", err)
	}
	if c.TLSCert != "" {
		if _, err := (auth.TLS{Cert: c.TLSCert, Key: c.TLSKey, ClientCA: c.ClientCA}).Config(nil); err != nil {
			failed("tls_cert", err)
		}
	}
	if err := checkListen(ctx, c); err != nil {
		failed("listen", err)
	}
	return found
}

func checkListen(ctx context.Context, c config.Server) error {
	if strings.HasPrefix(c.Listen, "unix:") {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("read [server] listen: %w", err)
	}
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if host == "" {
		found, err = []net.IPAddr{{IP: net.IPv6unspecified}}, nil
	}
	if err != nil {
		return fmt.Errorf("look up [server] listen: %w", err)
	}
	for _, a := range found {
		if err := setup.CheckAccess(&net.TCPAddr{IP: a.IP, Zone: a.Zone}, c); err != nil {
			return err
		}
	}
	return nil
}

// rightsOf are the sections [tables].
func rightsOf(c *config.Config) []ClientRights {
	var all []ClientRights
	for _, r := range c.Tables {
		one := ClientRights{Client: clientOf(r)}
		for _, right := range r.Rights {
			word := "none"
			if right.Write {
				word = "write"
			} else if right.Read {
				word = "read"
			}
			one.Rights = append(one.Rights, Right{right.Pattern, word, right.Columns})
		}
		all = append(all, one)
	}
	return all
}

func clientOf(r config.ClientRights) string {
	if r.Kind == "" {
		return "everybody"
	}
	return r.Kind + " " + r.Name
}

// rightsOfNothing finds lines of [tables] with a table or a column that the database
// does not have: the name may be misspelt.
func rightsOfNothing(c *config.Config, tables []*sqlgen.Table) (found []Finding) {
	for _, r := range c.Tables {
		missing := func(text, hint string) {
			found = append(found, ofFile(c.File, 0, "", "rights of "+clientOf(r)+": "+text, hint))
		}
		for _, right := range r.Rights {
			fit := slices.DeleteFunc(slices.Clone(tables), func(t *sqlgen.Table) bool {
				return !gateway.Fits(t.Name, right.Pattern)
			})
			if len(fit) == 0 && right.Pattern != "*" {
				missing("no table is called "+right.Pattern, "correct the name in [tables], or remove the line")
			}
			for _, column := range right.Columns {
				if len(fit) > 0 && !slices.ContainsFunc(fit, func(t *sqlgen.Table) bool { return t.Column(column) != nil }) {
					missing(right.Pattern+" has no column "+column, "correct its name in [tables], or remove it")
				}
			}
		}
	}
	return found
}
