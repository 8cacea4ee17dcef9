// Package deb proves the Debian package on a Debian of its own, which systemd
// runs: that it installs, upgrades, removes and purges as an administrator expects,
// and that the service works with everything that its units forbid it. There, and in
// a root that nobody has booted, it does the same with the RPM. The Debian package is
// tried on a fresh Debian 13, too, and with DBSEP_E2E=full on a fresh Debian 12.
package deb
