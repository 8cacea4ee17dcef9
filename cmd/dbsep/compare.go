package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"dbsep/gateway"
	"dbsep/internal/compare"
	"dbsep/internal/config"
	"dbsep/internal/logging"
	"dbsep/internal/server"
)

func compareCommand() *cobra.Command {
	var old, fresh, record string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compare --old URL --new URL (REQUESTS | --record ADDRESS)",
		Short: "send the same requests to the old and the new gateway, and report differences",
		Long: `Sends requests that only read to two gateways, and reports each kind of difference
once, with its reason where it is a known one (docs/differences.md), with its number and
an example. Writes are never sent.

REQUESTS is a file of recorded requests, one JSON object a line with method, path,
query and body, or a web server's access log (of which only requests by GET can
be sent again, since it has no bodies).

With --record dbsep runs as a proxy in front of the old gateway: clients that send
requests to ADDRESS get the old gateway's responses. Writes are passed on once.
Requests that only read are sent to the new gateway too, in the background.

It ends with status 0 when every difference is explained, 1 when one is not, and
2 when the comparison could not run, or when one of the two is no realtime gateway.`,
		Example: `  dbsep compare --old http://pbx/cgi-bin/dbsep.cgi --new http://127.0.0.1:8000 requests.jsonl
  dbsep compare --old http://pbx/cgi-bin/dbsep.cgi --new http://127.0.0.1:8000 --record 127.0.0.1:8001`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && record == "":
				return compareFile(cmd, compare.Dial(old), compare.Dial(fresh), args[0], asJSON)
			case len(args) == 0 && record != "":
				return compareTraffic(cmd, old, compare.Dial(fresh), record, asJSON)
			}
			return exit{2, errors.New("name a file of requests, or an address with --record")}
		},
	}
	cmd.Flags().StringVar(&old, "old", "", "`URL` of the gateway in use, without /TABLE/OPERATION")
	cmd.Flags().StringVar(&fresh, "new", "", "`URL` of the new gateway")
	cmd.Flags().StringVar(&record, "record", "", "`address` to listen on as a proxy in front of the old gateway")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	_ = cmd.MarkFlagRequired("old")
	_ = cmd.MarkFlagRequired("new")
	return cmd
}

// errDifferent ends a comparison that found an unexplained difference.
var errDifferent = errors.New("the two gateways differ")

func compareFile(cmd *cobra.Command, old, fresh compare.Gateway, name string, asJSON bool) error {
	file, err := os.Open(name)
	if err != nil {
		return exit{2, fmt.Errorf("open the requests: %w", err)}
	}
	defer file.Close()
	sum, err := compare.RunFile(cmd.Context(), old, fresh, file, cmd.ErrOrStderr())
	return verdict(cmd, sum, asJSON, err)
}

// refuse responds when the old gateway does not.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	gateway.Refuse(w, r, &gateway.Error{Code: gateway.Unavailable, Err: err, Hint: "start the old gateway"})
}

func compareTraffic(cmd *cobra.Command, old string, fresh compare.Gateway, address string, asJSON bool) error {
	ctx := cmd.Context()
	recorder, err := compare.NewRecorder(old, fresh, refuse, func(d compare.Difference) { d.WriteText(cmd.ErrOrStderr()) })
	if err != nil {
		return exit{2, fmt.Errorf("read --old: %w", err)}
	}
	l, err := server.Listen(ctx, address, config.Default().Server)
	if err != nil {
		return exit{2, fmt.Errorf("listen on %s: %w", address, err)}
	}
	log := logging.New(cmd.ErrOrStderr(), config.Default().Log, false)
	limits := config.Default().Limits
	comparing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { recorder.Run(comparing) })
	log.Info("listening", slog.String("address", l.Addr().String()), slog.String("in front of", old))
	err = server.Serve(ctx, l, recorder, limits, log)
	recorder.Close()
	time.AfterFunc(limits.Drain, stop) // time for the comparisons that still wait
	running.Wait()
	return verdict(cmd, recorder.Summary(), asJSON, err)
}

// verdict writes what a comparison saw, and returns what it ends with; err is why it
// could not go on.
func verdict(cmd *cobra.Command, sum *compare.Summary, asJSON bool, err error) error {
	if !asJSON {
		sum.WriteText(cmd.OutOrStdout())
	} else if written := sum.WriteJSON(cmd.OutOrStdout()); err == nil {
		err = written
	}
	switch problem := sum.Problem(); {
	case err != nil:
		return exit{2, err}
	case problem != "":
		return exit{2, errors.New(problem)}
	case !sum.Clean():
		return exit{1, errDifferent}
	}
	return nil
}
