package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dbsep/internal/asterisk"
	"dbsep/internal/config"
	"dbsep/internal/setup"
	"dbsep/internal/transfer"
)

func importCommand() *cobra.Command {
	var file string
	var options transfer.Options
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "put Asterisk's configuration files into tables",
		Long: `Reads configuration files as Asterisk does, with their templates and the files that
they include, and stores them in the configured database: pjsip.conf in the tables
ps_*, every other file in the table ast_config of static realtime. All is stored in
one transaction, or nothing. What is there already stays as it is; if it differs, the
import ends, or replaces it with --replace. Programs (#exec) are never run.

The exit status is 0 when the tables have what the files have, 1 when the files or the
tables do not allow it, and 2 when the import could not run.`,
		Example: `  dbsep import --dry-run /etc/asterisk/queues.conf
  dbsep import /etc/asterisk/pjsip.conf`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exit{2, errors.New("no file is named; give one, such as /etc/asterisk/pjsip.conf")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			sources, err := readSources(cmd.ErrOrStderr(), files, options)
			if err != nil {
				return err
			}
			l, err := setup.LoadToAlter(file, false)
			if err != nil {
				return exit{2, err}
			}
			defer l.Close()
			release, _, err := asterisk.FindRelease(newestLongTerm)
			if err != nil {
				return exit{2, err}
			}
			plan, err := transfer.NewPlan(cmd.Context(), l, sources, options, release)
			if err != nil {
				return refused(err)
			}
			writeNotes(cmd.ErrOrStderr(), plan.Notes)
			if dryRun {
				if err := plan.Write(cmd.OutOrStdout()); err != nil {
					return err
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "dbsep: nothing was changed: --dry-run")
				return nil
			}
			if err := plan.Apply(cmd.Context()); err != nil {
				return refused(err)
			}
			return plan.Summary(cmd.OutOrStdout())
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit{2, err} })
	cmd.Flags().StringVarP(&file, "config", "c", setup.ConfigFile(), "configuration `file`")
	cmd.Flags().StringVar(&options.Table, "table", transfer.DefaultTable, "`table` of static realtime")
	cmd.Flags().BoolVar(&options.Static, "static", false, "put pjsip.conf into that table, too")
	cmd.Flags().BoolVar(&options.Replace, "replace", false, "replace what is there and differs")
	cmd.Flags().BoolVar(&options.Partial, "partial", false, "leave out what the tables cannot have")
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "show the rows, and store nothing")
	return cmd
}

// readSources reads all files, and reports what is wrong with any of them.
func readSources(w io.Writer, files []string, options transfer.Options) (sources []*transfer.Source, err error) {
	var all []error
	for _, file := range files {
		s, err := transfer.Read(file, options)
		if err != nil {
			all = append(all, err)
			continue
		}
		writeNotes(w, s.Notes)
		sources = append(sources, s)
	}
	if len(all) > 0 {
		return nil, refused(errors.Join(all...))
	}
	return sources, nil
}

func writeNotes(w io.Writer, notes config.Problems) {
	for _, n := range notes {
		fmt.Fprintln(w, "left out:", n)
	}
}

// refused is the exit for an error: 1 if it is about lines of files, or tables.
func refused(err error) error {
	if _, ok := errors.AsType[config.Problem](err); ok {
		return exit{1, err}
	}
	return exit{2, err}
}
