// Package debian proves on a fresh Debian that a new user, who has make, git and
// Go, gets from the project what its README promises: make demo serves requests,
// make test passes, both install what they need, and leave nothing running. With
// DBSEP_E2E=full it is the whole test suite, on Debian 13 and 12; without, a few
// packages of it on Debian 13.
package debian
