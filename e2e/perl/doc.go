// Package perl tries, with the build tag e2e, what an administrator has before
// the switch: `dbsep check` and `dbsep compare` against the real Perl script
// behind the real Apache, on every database that the script was used with.
package perl
