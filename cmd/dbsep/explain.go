package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dbsep/internal/explain"
	"dbsep/internal/setup"
)

func explainCommand() *cobra.Command {
	var file string
	var as, set []string
	var o explain.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain REQUEST [FIELD...]",
		Short: "show what becomes of a request, and change nothing",
		Long: `Shows what the gateway reads in a request: its fields, the rights of its client, the
SQL with its arguments, the database's plan, the response byte by byte, the variables
that Asterisk makes of it, and warnings. A write is not run: the rows that it would
change are counted.

REQUEST is TABLE/OPERATION, with the fields as they are: name=value, or with an
operator, as in 'id LIKE=alice;@%'. The new values of an update follow --set. It can
also be a line of dbsep's log or access log, to which the fields are added if it has
none, a line of a web server's access log, or a recorded request, an object with
method, path, query and body. With - one line is read from standard input.

The response has the values that the client would get, passwords too.

The exit status is 0, 1 if the request would fail, and 2 if it cannot be explained.`,
		Example: `  dbsep explain ps_contacts/multi 'id LIKE=alice;@%'
  dbsep explain ps_contacts/update 'id=alice;@1' --set expiration_time=1795294347
  dbsep explain --as user:kamailio subscriber/single.json username=alice
  journalctl -u dbsep -o cat -n 1 -p warning | dbsep explain -`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exit{2, errors.New("name a request: TABLE/OPERATION and its fields, as in dbsep explain ps_endpoints/single id=alice, or - for a line from standard input")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := readRequest(cmd.InOrStdin(), args, set)
			if err != nil {
				return exit{2, err}
			}
			for _, text := range as {
				if err := request.Client.Set(text); err != nil {
					return exit{2, err}
				}
			}
			if !slices.Contains([]string{"", "encode", "raw"}, o.Semicolons) {
				return exit{2, fmt.Errorf("--semicolons is %q: use encode or raw", o.Semicolons)}
			}
			l, err := setup.LoadToRead(file)
			if err != nil {
				return exit{2, fmt.Errorf("%w; dbsep check says more", err)}
			}
			defer l.Close()
			report, err := explain.Explain(cmd.Context(), l, request, o)
			if err != nil {
				return exit{2, err}
			}
			if !asJSON {
				report.WriteText(cmd.OutOrStdout())
			} else if err := report.WriteJSON(cmd.OutOrStdout()); err != nil {
				return exit{2, err}
			}
			if report.Error != nil {
				return exit{1, fmt.Errorf("the request would fail with %s", report.Error.Code)}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", setup.ConfigFile(), "configuration `file`")
	cmd.Flags().StringArrayVar(&set, "set", nil, "a new value of an update, as `field`: name=value")
	cmd.Flags().StringArrayVar(&as, "as", nil, "what is known of the `client`: user:NAME, certificate:NAME, name:NAME for either, or address:ADDRESS")
	cmd.Flags().StringVar(&o.Semicolons, "semicolons", "", "`encode` or raw, instead of the table's setting")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}

// maxLineBytes is how long a line on standard input may be.
const maxLineBytes = 8 << 20

func readRequest(stdin io.Reader, args, set []string) (explain.Request, error) {
	text := args[0]
	if text == "-" {
		line, err := bufio.NewReader(io.LimitReader(stdin, maxLineBytes)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return explain.Request{}, fmt.Errorf("read standard input: %w", err)
		}
		if text = strings.TrimSpace(line); text == "" {
			return explain.Request{}, errors.New("standard input has no line")
		}
	}
	return explain.Parse(text, args[1:], set)
}
