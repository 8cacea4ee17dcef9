package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Load reads a dbsep.conf, with the environment of [Parse]. A file that cannot be read is
// a mistake like any other: the error is [Problems].
func Load(file string, environ ...string) (*Config, error) {
	if file == "" {
		return nil, Problems{{Text: "no configuration file is named", Hint: otherFile}}
	}
	text, err := readFile(file)
	if err != nil {
		return nil, Problems{unreadableFile(file, err)}
	}
	return Parse(file, text, environ...)
}

// readFile stops as soon as a file is too large.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

const otherFile = "name it with --config or in the environment variable DBSEP_CONF"

// unreadableFile returns why a file was not read and what its owner can do. It names
// the user, which is often that of a web server.
func unreadableFile(file string, err error) Problem {
	p := Problem{File: file}
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.Text = "the file does not exist"
		p.Hint = "start from dbsep.conf.sample, or if your file has another name, " + otherFile
	case errors.Is(err, fs.ErrPermission):
		p.Text = fmt.Sprintf("user %d may not read the file", os.Geteuid())
		p.Hint = "let the group of that user read it (chgrp, chmod 0640), and enter the directories above it"
	case errors.As(err, &path):
		p.Text = "the file cannot be read: " + path.Err.Error()
		p.Hint = otherFile
	default:
		p.Text = "the file cannot be read: " + err.Error()
		p.Hint = otherFile
	}
	return p
}
