// Package config reads dbsep.conf.
//
// The file belongs to two readers. The Perl script dbsep.cgi knows five keys
// in it and ignores everything else; dbsep knows the same five and, in
// sections of their own, its new settings. So an old file keeps working, and a
// new one can be handed back to the Perl script.
//
// The package decides
//   - which line sets what ([Settings] is the one table of it);
//   - what is a mistake: all of them are reported at once, each with its line
//     and its remedy ([Problems]);
//   - where the Perl script would have read something else ([Config.Warnings]).
//
// A value of the five keys is what stands in its line, byte for byte, less the
// blanks around it: no quote, comment sign, backslash or percent sign in a
// password has a meaning of its own.
//
// The package knows neither what a DSN means nor what a setting is used for.
package config
