package main

import (
	"fmt"
	"os"
)

// eraseLine moves to the beginning of a terminal's line and erases it.
const eraseLine = "\r\x1b[K"

// progressOn returns a function that shows a text in a line of a terminal, in place of the
// one before, and one that erases it. show is nil where f is no terminal.
func progressOn(f *os.File) (show func(text string), erase func()) {
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil, func() {}
	}
	return func(text string) { fmt.Fprint(f, eraseLine+text+" ...") }, func() { fmt.Fprint(f, eraseLine) }
}
