package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dbsep/internal/asterisk"
	"dbsep/internal/schema"
)

func schemaCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "make the tables of Asterisk, or add what they lack",
		Long: `Makes the tables of Asterisk 16 to 23 and of its development version on SQLite,
MariaDB, MySQL and PostgreSQL. Nothing is ever dropped or narrowed.

` + aboutGroups(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return exit{2, fmt.Errorf("unknown command %q; choose print, create, diff or upgrade", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	// Status 1 says that tables lack something.
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit{2, err} })
	for _, action := range []*cobra.Command{schemaPrintCommand(), schemaCreateCommand(), schemaDiffCommand(), schemaUpgradeCommand()} {
		action.Long += "\n\n" + aboutGroups()
		action.ValidArgs = asterisk.Groups()
		cmd.AddCommand(action)
	}
	return cmd
}

func aboutGroups() string {
	return "GROUP is one of " + strings.Join(asterisk.Groups(), ", ") + ".\nWithout one all tables are meant."
}

// A tableChoice is which tables a command is about.
type tableChoice struct {
	version string
	release asterisk.Release
	note    string
	tables  []*asterisk.Table
}

// newestLongTerm is the release whose tables are meant where no other one is named.
const newestLongTerm = "22"

func (c *tableChoice) addFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.version, "asterisk", newestLongTerm, "`version` of Asterisk whose tables are meant")
}

// read finds the tables, and says if they are those of another version.
func (c *tableChoice) read(cmd *cobra.Command, groups []string) (err error) {
	if c.release, c.note, err = asterisk.FindRelease(c.version); err != nil {
		return exit{2, err}
	}
	if c.tables, err = asterisk.Tables(c.release, groups...); err != nil {
		return exit{2, err}
	}
	if c.note != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "dbsep:", c.note)
	}
	return nil
}

func schemaPrintCommand() *cobra.Command {
	var choice tableChoice
	var name string
	cmd := &cobra.Command{
		Use:   "print [GROUP...]",
		Short: "write the SQL that makes the tables",
		Long:  `Writes the SQL that makes the tables to standard output. It connects to no database.`,
		Example: `  dbsep schema print --database sqlite pjsip extensions | sqlite3 /var/lib/dbsep/asterisk.db
  dbsep schema print --asterisk 20 --database mysql | mysql asterisk`,
		RunE: func(cmd *cobra.Command, groups []string) error {
			d, err := schema.Find(name)
			if err != nil {
				return exit{2, err}
			}
			if err := choice.read(cmd, groups); err != nil {
				return err
			}
			return schema.Write(cmd.OutOrStdout(), d, choice.release, choice.note, choice.tables)
		},
	}
	choice.addFlag(cmd)
	cmd.Flags().StringVar(&name, "database", "sqlite", "`kind` of database: "+strings.Join(schema.Names(), ", "))
	return cmd
}
