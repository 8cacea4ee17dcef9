package main

import "errors"

// An exit is an error with the status that the program ends with.
type exit struct {
	status int
	error
}

func (e exit) Unwrap() error { return e.error }

func exitStatus(err error) int {
	var e exit
	if errors.As(err, &e) {
		return e.status
	}
	return 1
}
