package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"dbsep/internal/asteriskconf"
	"dbsep/internal/config"
)

// An asteriskSite is the configuration of an Asterisk whose realtime goes to dbsep.
type asteriskSite struct {
	dir    string
	config *config.Config
	found  []Finding

	mapped  []asteriskconf.Line // of extconfig.conf
	account *url.Userinfo       // userpwd in res_curl.conf
}

// checkAsterisk reads the files by which an Asterisk finds dbsep, and sends a request to
// each address in them.
func checkAsterisk(ctx context.Context, dir string, c *config.Config) []Finding {
	a := &asteriskSite{dir: dir, config: c}
	a.readModules()
	a.readCurl()
	a.readExtconfig(ctx)
	a.readSorcery()
	return a.found
}

// read reads a file. It returns an empty one where there is none.
func (a *asteriskSite) read(name string, needed bool) *asteriskconf.File {
	f, err := asteriskconf.Read(a.dir, name)
	if err != nil {
		if needed || !errors.Is(err, fs.ErrNotExist) {
			a.found = append(a.found, warning(err.Error(), ""))
		}
		return &asteriskconf.File{}
	}
	for _, p := range f.Problems {
		a.found = append(a.found, ofFile(p.File, p.Line, "", p.Text, ""))
	}
	for _, s := range f.Sections {
		if f.Section(s.Name) != s {
			a.found = append(a.found, ofFile(s.File, s.Line, "", fmt.Sprintf("a second [%s] is not read", s.Name), "move its lines into the first"))
		}
	}
	return f
}

// warn is about a line.
func (a *asteriskSite) warn(l asteriskconf.Line, text, hint string) {
	a.found = append(a.found, ofFile(l.File, l.Line, l.Name, text, hint))
}

// missing is about a line that a file does not have.
func (a *asteriskSite) missing(name, text, hint string) {
	a.found = append(a.found, ofFile(filepath.Join(a.dir, name), 0, "", text, hint))
}

// curlModules are those by which Asterisk's realtime speaks HTTP.
var curlModules = []string{"res_curl", "func_curl", "res_config_curl"}

func (a *asteriskSite) readModules() {
	s := a.read("modules.conf", true).Section("modules")
	if s == nil {
		return
	}
	autoload := s.Last("autoload")
	all := autoload != nil && isTrue(autoload.Value)
	loaded := map[string]bool{}
	for _, l := range s.Lines {
		module := strings.TrimSuffix(l.Value, ".so")
		if !slices.Contains(curlModules, module) {
			continue
		}
		switch strings.ToLower(l.Name) {
		case "noload":
			a.warn(l, "without this module Asterisk's realtime does not speak HTTP", "remove the line")
		case "load", "preload", "require", "preload-require":
			loaded[module] = true
		}
	}
	for _, module := range curlModules {
		if !all && !loaded[module] {
			a.missing("modules.conf", module+".so is not loaded, and realtime does not speak HTTP without it", "add to [modules] a line load = "+module+".so")
		}
	}
}

func isTrue(value string) bool {
	return slices.Contains([]string{"yes", "true", "y", "t", "1", "on"}, strings.ToLower(value))
}

func (a *asteriskSite) readCurl() {
	s := a.read("res_curl.conf", false).Section("globals")
	if l := s.Last("failurecodes"); l != nil {
		a.warn(*l, "Asterisk drops the body of a response with such a status, and takes a failed write for a success", "remove the line")
	}
	longest := a.config.Limits.Statement + a.config.Limits.PoolTimeout
	switch l := s.Last("httptimeout"); {
	case l == nil:
		a.missing("res_curl.conf", "calls wait three minutes for a gateway that hangs", fmt.Sprintf("add to [globals] a line httptimeout = %d", int(longest.Seconds())))
	default:
		seconds, err := strconv.Atoi(l.Value)
		if err == nil && time.Duration(seconds)*time.Second < longest {
			a.warn(*l, fmt.Sprintf("Asterisk gives up after %d s, and dbsep may need %v: it would write what Asterisk takes for failed", seconds, longest),
				"raise it, or lower statement_timeout and pool_timeout in "+a.config.File)
		}
	}
	if l := s.Last("userpwd"); l != nil {
		user, password, _ := strings.Cut(l.Value, ":")
		a.account = url.UserPassword(user, password)
	}
}

func (a *asteriskSite) readExtconfig(ctx context.Context) {
	s := a.read("extconfig.conf", true).Section("settings")
	if s == nil {
		return
	}
	a.mapped = s.Lines
	asked := 0
	for _, l := range s.Lines {
		driver, rest, _ := strings.Cut(l.Value, ",")
		if !strings.EqualFold(strings.TrimSpace(driver), "curl") {
			continue
		}
		asked++
		address, table, _ := strings.Cut(rest, ",")
		address = strings.Trim(strings.TrimSpace(address), `"`)
		if u := a.checkAddress(l, address, strings.TrimSpace(table)); u != nil {
			a.ask(ctx, l, u)
		}
	}
	if asked == 0 {
		a.missing("extconfig.conf", "nothing is mapped to curl, so Asterisk asks dbsep for nothing",
			"add to [settings] a line such as ps_endpoints => curl,http://127.0.0.1:8000/ps_endpoints")
	}
}

// maxAddress is how long an address may be: Asterisk builds the URL of a request in 256
// bytes.
const maxAddress = 230

// checkAddress returns the address of a line, nil where Asterisk would not send a request
// to it.
func (a *asteriskSite) checkAddress(l asteriskconf.Line, address, table string) *url.URL {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		a.warn(l, "the address is not http://HOST/TABLE", "write it as in "+l.Name+" => curl,http://127.0.0.1:8000/"+l.Name)
		return nil
	case table != "" && !strings.HasSuffix(u.Path, "/"+table):
		a.warn(l, fmt.Sprintf("the address ends at the comma, and what is behind it, %s, is not used", table), "the table is the last part of the address; write a comma in it as %2C")
		return nil
	case strings.HasSuffix(u.Path, "/") || u.Path == "":
		a.warn(l, "the address does not end in a table", "write it as in "+l.Name+" => curl,http://"+u.Host+"/"+l.Name)
		return nil
	case len(address) > maxAddress:
		a.warn(l, fmt.Sprintf("the address is %d bytes long, and Asterisk cuts what is longer than %d", len(address), maxAddress), "give it a shorter path")
	}
	return u
}

// askTimeout limits a request, askedBytes what is read of its response.
const (
	askTimeout = 5 * time.Second
	askedBytes = 64
)

// ask sends a request that changes nothing and returns no rows: a require without columns.
func (a *asteriskSite) ask(ctx context.Context, l asteriskconf.Line, u *url.URL) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.JoinPath("require").String(), http.NoBody)
	if err != nil {
		a.warn(l, "the address is not valid", "")
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if account := a.account; account != nil && u.User == nil {
		password, _ := account.Password()
		r.SetBasicAuth(account.Username(), password)
	}
	// A gateway sends no redirect, and the password is for this server only.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil { // without the address, which may have a password
			err = cause
		}
		a.warn(l, fmt.Sprintf("%s does not respond: %v", u.Redacted(), err), "start dbsep, or correct the address")
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, askedBytes))
	_, notNumber := strconv.Atoi(strings.TrimSpace(string(body)))
	switch code := response.Header.Get("X-Dbsep-Error"); {
	case code == "bad-requirement":
	case code != "":
		a.warn(l, fmt.Sprintf("%s responds with the error %s", u.Redacted(), code), "its log says what to do")
	case response.StatusCode != http.StatusOK || notNumber != nil:
		a.warn(l, fmt.Sprintf("%s is no realtime gateway: it responds with %s", u.Redacted(), response.Status), "correct the address")
	}
}

// readSorcery compares what PJSIP reads with what is mapped.
func (a *asteriskSite) readSorcery() {
	used := map[string]bool{}
	f := a.read("sorcery.conf", false)
	for _, s := range f.Sections {
		if f.Section(s.Name) != s {
			continue // it is not read
		}
		for _, l := range s.Lines {
			wizard, rest, _ := strings.Cut(l.Value, ",")
			if strings.TrimSpace(wizard) != "realtime" {
				continue
			}
			family, _, _ := strings.Cut(rest, ",")
			family = strings.ToLower(strings.TrimSpace(family))
			used[family] = true
			if !slices.ContainsFunc(a.mapped, func(m asteriskconf.Line) bool { return strings.EqualFold(m.Name, family) }) {
				a.warn(l, fmt.Sprintf("extconfig.conf does not say where %s is", family), "add to its [settings] a line "+family+" => curl,http://127.0.0.1:8000/"+family)
			}
		}
	}
	for _, l := range a.mapped {
		if family := strings.ToLower(l.Name); strings.HasPrefix(family, "ps_") && !used[family] {
			a.warn(l, "no line of sorcery.conf uses it, so PJSIP does not read it", "add a line with realtime,"+family+" there")
		}
	}
}
