//go:build !unix

package main

import (
	"context"
	"errors"
)

// runAs is for Unix only.
func runAs(context.Context, string, ...string) (int, error) {
	return 0, errors.New("--user is not to be had on this system")
}
