// Package sqlgen makes SQL text: one realtime request becomes one [Statement],
// its text and its arguments side by side.
//
// The package decides
//   - how a field's name splits into a column and an operator ([Field]);
//   - that a name must be a real column of the described [Table], and how a
//     statement spells it ([Dialect]);
//   - that a value is always an argument and never part of the text;
//   - what is refused, and in which words ([Fault]).
//
// It is pure: it knows neither HTTP nor any driver, does no input or output,
// and imports the standard library only.
package sqlgen
