//go:build !unix

package cgi

// StartedAsFastCGI reports false: web servers start FastCGI programs on Unix only.
func StartedAsFastCGI() bool { return false }

// ServeFastCGI is never called.
func ServeFastCGI() int { return 1 }
