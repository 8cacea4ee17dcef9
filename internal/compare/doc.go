// Package compare shows, before a switch, what another gateway answers
// otherwise: it asks two of them the same and tells the differences, with the
// reason where there is a known one.
//
// It only ever asks what reads. It knows the realtime protocol from the
// client's side, and neither databases nor how an answer is made.
package compare
