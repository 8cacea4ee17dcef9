// Package sqlgen builds SQL: one realtime request becomes one [Statement], a text
// and its arguments.
//
// The package decides
//   - how a field's name splits into a column and an operator ([Field]);
//   - that a name must be a column of the [Table], and how a statement writes it
//     ([Dialect]);
//   - that a value is always an argument and never part of the text;
//   - which requests are refused, and with which [Fault].
//
// It knows neither HTTP nor any driver, does no input or output, and imports the
// standard library only.
package sqlgen
