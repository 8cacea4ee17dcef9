// Package contrib holds what stands around the program: units for systemd, what
// makes a Debian package, manual pages, snippets for web servers, alert rules and
// a dashboard. There is no code in it; its test holds the snippets to the manual.
package contrib
