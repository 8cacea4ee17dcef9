// Package contrib holds what is around the program: units for systemd, what makes a
// Debian package, an RPM, a release and a container, manual pages, snippets for web servers, alert rules and
// a dashboard. There is no code in it; its test holds the snippets to the manual.
package contrib
