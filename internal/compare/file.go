package compare

import (
	"context"
	"fmt"
	"io"
	"os"
)

// RunFile compares the responses to the requests of a file. It writes the progress to
// terminal if that is one.
func RunFile(ctx context.Context, old, new Gateway, file *os.File, terminal io.Writer) (*Summary, error) {
	requests, err := limitToCurrentSize(file)
	if err != nil {
		return &Summary{}, fmt.Errorf("open the requests: %w", err)
	}
	bar := newProgressBar(terminal, file)
	defer bar.clear()
	return Run(ctx, old, new, requests, bar.add)
}

// limitToCurrentSize reads a file up to its current end. Each request of the comparison adds a
// line to the access log of the old gateway's web server.
func limitToCurrentSize(file *os.File) (io.Reader, error) {
	about, err := file.Stat()
	if err != nil || !about.Mode().IsRegular() {
		return file, err
	}
	return io.LimitReader(file, about.Size()), nil
}

// A progressBar shows on a terminal how much of a file is done.
type progressBar struct {
	w           io.Writer // nil: there is no terminal to show it on
	done, total int64
	shown       int64 // per cent
}

func newProgressBar(w io.Writer, file *os.File) *progressBar {
	about, err := file.Stat()
	terminal, ok := w.(*os.File)
	if err != nil || !ok {
		return &progressBar{}
	}
	if mode, err := terminal.Stat(); err != nil || mode.Mode()&os.ModeCharDevice == 0 {
		return &progressBar{}
	}
	return &progressBar{w: w, total: max(about.Size(), 1), shown: -1}
}

func (b *progressBar) add(bytes int) {
	b.done += int64(bytes)
	if b.w == nil || 100*b.done/b.total == b.shown {
		return
	}
	b.shown = min(100*b.done/b.total, 100)
	fmt.Fprintf(b.w, "\r%3d %%  [%-50.*s]", b.shown, int(b.shown/2), "##################################################")
}

// clear removes the bar from its line, so that something else can be written there.
func (b *progressBar) clear() {
	if b.w != nil && b.shown >= 0 {
		fmt.Fprintf(b.w, "\r%-62s\r", "")
		b.shown = -1
	}
}
