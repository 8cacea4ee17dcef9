// Package release proves that what a release consists of is the same wherever it is built.
package release
