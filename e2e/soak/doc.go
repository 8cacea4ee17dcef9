// Package soak lets dbsep work for a long time, with all that goes wrong in one,
// and looks whether it holds more and more memory, files or goroutines.
//
// DBSEP_SOAK_MINUTES says for how many minutes; "make soak" sets it.
package soak
