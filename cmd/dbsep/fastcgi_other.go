//go:build !unix

package main

// FastCGI as web servers start it exists on Unix only.
func startedAsFastCGI() bool { return false }

func serveFastCGI() int { return 1 }
