package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Load reads a dbsep.conf. A file that cannot be read is a mistake like any
// other: the error is [Problems].
func Load(file string) (*Config, error) {
	if file == "" {
		return nil, Problems{{Text: "no configuration file is named", Remedy: elsewhere}}
	}
	text, err := readFile(file)
	if err != nil {
		return nil, Problems{unloadable(file, err)}
	}
	return Parse(file, text)
}

// readFile reads no more than it takes to see that a file is too large.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

const elsewhere = "name it with --config or in the environment variable DBSEP_CONF"

// unloadable tells why a file was not read and what its owner can do. The web
// server's user is the usual surprise, so it names the one that was refused.
func unloadable(file string, err error) Problem {
	p := Problem{File: file}
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.Text = "there is no such file"
		p.Remedy = "start from dbsep.conf.sample, or if yours is elsewhere, " + elsewhere
	case errors.Is(err, fs.ErrPermission):
		p.Text = fmt.Sprintf("user %d may not read the file", os.Geteuid())
		p.Remedy = "let that user's group read it (chgrp, chmod 0640), and pass through the directories above it"
	case errors.As(err, &path):
		p.Text = "the file cannot be read: " + path.Err.Error()
		p.Remedy = elsewhere
	default:
		p.Text = "the file cannot be read: " + err.Error()
		p.Remedy = elsewhere
	}
	return p
}
