package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dbsep/internal/setup"
	"dbsep/internal/transfer"
)

func exportCommand() *cobra.Command {
	var file, table string
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "write a file of static realtime in Asterisk's format",
		Long: `Writes a file that is in the table ast_config, such as queues.conf, to standard output,
passwords included. Asterisk reads the same from it as from the table. Rows that are
commented out are not in it.`,
		Example: `  dbsep export queues.conf > /etc/asterisk/queues.conf`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one file, such as queues.conf")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := setup.LoadToAlter(file, false)
			if err != nil {
				return err
			}
			defer l.Close()
			text, commented, err := transfer.Export(cmd.Context(), l.DB, table, args[0])
			if err != nil {
				return err
			}
			if commented > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "dbsep: %d rows are commented out, and left out\n", commented)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", setup.ConfigFile(), "configuration `file`")
	cmd.Flags().StringVar(&table, "table", transfer.DefaultTable, "`table` of static realtime")
	return cmd
}
