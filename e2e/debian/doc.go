// Package debian proves on a fresh Debian that a new user, who has make, git and
// Go, gets from the project what its README promises: make demo serves requests,
// make test passes, both install what they need, and leave nothing running.
package debian
