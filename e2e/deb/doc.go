// Package deb proves the Debian package on a Debian of its own, which systemd
// runs: that it installs, upgrades, removes and purges as an administrator expects,
// and that the service works with everything that its units forbid it.
package deb
