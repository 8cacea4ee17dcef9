// Package config reads dbsep.conf.
//
// Two programs read the file. The Perl script dbsep.cgi has five keys and ignores
// everything else; dbsep has the same five and, in sections, settings of its own.
// So an old file keeps working, and the Perl script can read a new one.
//
// The package decides
//   - which line sets which setting ([Settings] lists them all);
//   - what is a mistake: all mistakes are reported at once, each with its line and
//     a hint ([Problems]);
//   - where the Perl script reads something else ([Config.Warnings]).
//
// The value of a key of the Perl script is the text of its line, byte for byte,
// without the whitespace around it: quotes, comment signs, backslashes and percent
// signs in a password have no special meaning.
//
// The package does not know what a DSN means or how a setting is used.
package config
