package asteriskconf

import "strings"

// A comment is where a file is in its comments of several lines, from ;-- to --;. They may
// be in each other.
type comment struct {
	depth int // below 0 after a --; without its ;--, which hides what follows, too
	line  int // where the outermost begins
}

// remove returns what a line has outside of comments: those from ;-- to --;, and from ; to
// the end of the line. \; is a semicolon.
func (c *comment) remove(line string, number int) string {
	var text strings.Builder
	outside := c.depth == 0 // what follows is text
	add := func(part string) {
		if outside {
			text.WriteString(part)
		}
	}
	kept := 0  // up to here the line has been looked at
	start := 0 // from here on characters before a ; belong to it
	for {
		i := strings.IndexByte(line[start:], ';')
		if i < 0 {
			break
		}
		i += start
		before, after := line[start:i], line[i+1:]
		switch {
		case strings.HasSuffix(before, `\`):
			add(line[kept:i-1] + ";")
			kept, start = i+1, i+1
		case strings.HasPrefix(after, "--") && !strings.HasPrefix(after, "---"):
			add(line[kept:i])
			outside = false
			c.move(1, number)
			kept, start = i+3, i+3
		case strings.HasSuffix(before, "--"):
			c.move(-1, number)
			if c.depth == 0 {
				outside = true
				kept = i + 1
			}
			start = i + 1
		case c.depth == 0:
			add(line[kept:i])
			return text.String()
		default:
			start = i + 1
		}
	}
	add(line[kept:])
	return text.String()
}

// move goes into a comment or out of it.
func (c *comment) move(by, line int) {
	if c.depth == 0 {
		c.line = line
	}
	c.depth += by
}
