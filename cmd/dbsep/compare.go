package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"dbsep/gateway"
	"dbsep/internal/compare"
	"dbsep/internal/config"
)

func compareCommand() *cobra.Command {
	var old, fresh, record string
	cmd := &cobra.Command{
		Use:   "compare --old URL --new URL (REQUESTS | --record ADDRESS)",
		Short: "ask the old gateway and the new one the same, and tell what differs",
		Long: `Sends requests that only read to two gateways, and tells each difference, with
its reason where it is a known one (docs/differences.md). Writes are never sent.

REQUESTS is a file of recorded requests, one JSON object a line with method, path,
query and body, or a web server's access log (of which only requests by GET can
be asked again, since it has no bodies).

With --record dbsep stands in front of the old gateway: clients that ask at
ADDRESS get the old one's answers, writes pass through once, and what only reads
is asked of the new one too, in the background.

It ends with status 0 when every difference is explained, 1 when one is not, and
2 when it could not work.`,
		Example: `  dbsep compare --old http://pbx/cgi-bin/dbsep.cgi --new http://127.0.0.1:8000 requests.jsonl
  dbsep compare --old http://pbx/cgi-bin/dbsep.cgi --new http://127.0.0.1:8000 --record 127.0.0.1:8001`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && record == "":
				return compareFile(cmd, compare.Dial(old), compare.Dial(fresh), args[0])
			case len(args) == 0 && record != "":
				return compareTraffic(cmd, old, compare.Dial(fresh), record)
			}
			return exit{2, errors.New("name a file of requests, or an address with --record")}
		},
	}
	cmd.Flags().StringVar(&old, "old", "", "`URL` of the gateway in use, without /TABLE/OPERATION")
	cmd.Flags().StringVar(&fresh, "new", "", "`URL` of the gateway to come")
	cmd.Flags().StringVar(&record, "record", "", "`address` to stand in front of the old gateway at")
	_ = cmd.MarkFlagRequired("old")
	_ = cmd.MarkFlagRequired("new")
	return cmd
}

// errDifferent ends a comparison that found something unexplained.
var errDifferent = errors.New("the two gateways differ")

func compareFile(cmd *cobra.Command, old, fresh compare.Gateway, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return exit{2, fmt.Errorf("open the requests: %w", err)}
	}
	defer file.Close()
	requests, err := asItIs(file)
	if err != nil {
		return exit{2, fmt.Errorf("open the requests: %w", err)}
	}
	bar := newBar(cmd.ErrOrStderr(), file)
	sum, err := compare.Run(cmd.Context(), old, fresh, requests, func(d compare.Difference) {
		bar.clear()
		tell(cmd.OutOrStdout(), d)
	}, bar.add)
	bar.clear()
	summarize(cmd.OutOrStdout(), sum, 0)
	if err != nil {
		return exit{2, err}
	}
	return verdict(sum)
}

// asItIs reads a file up to its present end. An access log that the old gateway's
// web server goes on writing gets a line more by each of the questions.
func asItIs(file *os.File) (io.Reader, error) {
	about, err := file.Stat()
	if err != nil || !about.Mode().IsRegular() {
		return file, err
	}
	return io.LimitReader(file, about.Size()), nil
}

// refuse responds in place of an old gateway that does not.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	gateway.Refuse(w, r, &gateway.Error{Code: gateway.Unavailable, Err: err, Hint: "start the old gateway"})
}

func compareTraffic(cmd *cobra.Command, old string, fresh compare.Gateway, address string) error {
	ctx, w := cmd.Context(), cmd.OutOrStdout()
	recorder, err := compare.NewRecorder(old, fresh, refuse, func(d compare.Difference) { tell(w, d) })
	if err != nil {
		return exit{2, fmt.Errorf("read --old: %w", err)}
	}
	l, err := listen(ctx, address, config.Default().Server)
	if err != nil {
		return exit{2, fmt.Errorf("listen on %s: %w", address, err)}
	}
	log := newLog(cmd.ErrOrStderr(), config.Default().Log)
	limits := config.Default().Limits
	server := newServer(recorder, gateway.Refuse, limits, log)
	comparing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { recorder.Run(comparing) })
	failed := make(chan error, 1)
	go func() {
		failed <- server.Serve(&connectionListener{Listener: l, timeout: limits.Header, refuse: gateway.Refuse})
	}()
	log.Info("listening", slog.String("address", l.Addr().String()), slog.String("in front of", old))
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = drain(context.WithoutCancel(ctx), server, limits.Drain)
	}
	recorder.Close()
	time.AfterFunc(limits.Drain, stop) // for those that still wait to be compared
	running.Wait()
	sum, dropped := recorder.Summary()
	summarize(w, &sum, dropped)
	if err != nil {
		return exit{2, err}
	}
	return verdict(&sum)
}

func verdict(sum *compare.Summary) error {
	if !sum.Clean() {
		return exit{1, errDifferent}
	}
	return nil
}

// tell writes one difference. It names columns and sizes, never a value.
func tell(w io.Writer, d compare.Difference) {
	switch {
	case d.Err != nil:
		fmt.Fprintf(w, "NO ANSWER  %s\n    %v\n", d.Request, d.Err)
	case d.Verdict.Explained():
		fmt.Fprintf(w, "explained  %s\n", d.Request)
		for _, reason := range d.Verdict.Reasons {
			fmt.Fprintf(w, "    %s\n", reason)
		}
	default:
		fmt.Fprintf(w, "DIFFERENT  %s\n", d.Request)
		for _, detail := range d.Verdict.Details {
			fmt.Fprintf(w, "    %s\n", detail)
		}
	}
}

// summarize writes what a comparison came to.
func summarize(w io.Writer, sum *compare.Summary, dropped int) {
	fmt.Fprintf(w, "\n%d the same, %d explained, %d different, %d without an answer\n", sum.Same, sum.Explained, sum.Different, sum.Failed)
	for _, reason := range slices.Sorted(maps.Keys(sum.Reasons)) {
		fmt.Fprintf(w, "    %5d  %s\n", sum.Reasons[reason], reason)
	}
	for _, left := range []struct {
		count int
		why   string
	}{
		{sum.Writes, "left out: they write"},
		{sum.Incomplete, "left out: an access log has no bodies; record requests, or use --record"},
		{sum.Unreadable, "left out: the line is no request"},
		{dropped, "left out: too many waited to be compared"},
	} {
		if left.count > 0 {
			fmt.Fprintf(w, "    %5d  %s\n", left.count, left.why)
		}
	}
}

// A bar shows on a terminal how much of a file is done.
type bar struct {
	w           io.Writer // nil: there is no terminal to show it on
	done, total int64
	shown       int64 // per cent
}

func newBar(w io.Writer, file *os.File) *bar {
	about, err := file.Stat()
	terminal, ok := w.(*os.File)
	if err != nil || !ok {
		return &bar{}
	}
	if mode, err := terminal.Stat(); err != nil || mode.Mode()&os.ModeCharDevice == 0 {
		return &bar{}
	}
	return &bar{w: w, total: max(about.Size(), 1), shown: -1}
}

func (b *bar) add(bytes int) {
	b.done += int64(bytes)
	if b.w == nil || 100*b.done/b.total == b.shown {
		return
	}
	b.shown = min(100*b.done/b.total, 100)
	fmt.Fprintf(b.w, "\r%3d %%  [%-50.*s]", b.shown, int(b.shown/2), "##################################################")
}

// clear takes the bar off its line, so that something else can be written there.
func (b *bar) clear() {
	if b.w != nil && b.shown >= 0 {
		fmt.Fprintf(b.w, "\r%-62s\r", "")
		b.shown = -1
	}
}
