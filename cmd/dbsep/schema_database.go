package main

import (
	"bufio"
	"errors"
	"fmt"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"dbsep/internal/schema"
	"dbsep/internal/setup"
)

// A siteChoice is which tables of which configured database a command is about.
type siteChoice struct {
	tableChoice
	file string
}

func (c *siteChoice) addFlags(cmd *cobra.Command) {
	c.addFlag(cmd)
	addConfigFlag(cmd, &c.file)
}

// compare opens the database and finds what it lacks. The caller closes what was loaded.
func (c *siteChoice) compare(cmd *cobra.Command, groups []string, createFile bool) (*setup.Loaded, *schema.Plan, error) {
	if err := c.read(cmd, groups); err != nil {
		return nil, nil, err
	}
	l, err := setup.LoadToAlter(c.file, createFile)
	if err != nil {
		return nil, nil, exit{2, err}
	}
	plan, err := c.plan(cmd, l)
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	return l, plan, nil
}

func (c *siteChoice) plan(cmd *cobra.Command, l *setup.Loaded) (*schema.Plan, error) {
	plan, err := schema.Compare(cmd.Context(), l.DB, l.Config.Schema, c.tables)
	if err != nil {
		return nil, exit{2, err}
	}
	return plan, nil
}

func schemaCreateCommand() *cobra.Command {
	var choice siteChoice
	var createFile bool
	cmd := &cobra.Command{
		Use:   "create [GROUP...]",
		Short: "make the tables that the configured database lacks",
		Long: `Makes the tables that the configured database does not have, on SQLite and
PostgreSQL all or none. Tables that are there are left as they are.`,
		RunE: func(cmd *cobra.Command, groups []string) error {
			l, plan, err := choice.compare(cmd, groups, createFile)
			if err != nil {
				return err
			}
			defer l.Close()
			w := cmd.OutOrStdout()
			if l.DB.Created() {
				fmt.Fprint(w, aboutNewFile(l.DB.Address()))
			}
			tables, others := plan.NewTables()
			if err := tables.Apply(cmd.Context()); err != nil {
				return exit{2, err}
			}
			if made := tables.Tables(); len(made) > 0 {
				fmt.Fprintf(w, "made in %s, as Asterisk %s has them: %s\n", l.DB.Address(), choice.release, strings.Join(made, ", "))
			} else {
				fmt.Fprintf(w, "no table of Asterisk %s is missing in %s\n", choice.release, l.DB.Address())
			}
			if others > 0 {
				fmt.Fprintln(w, "tables that were there lack something, and were left as they are: dbsep schema diff shows it")
			}
			return nil
		},
	}
	choice.addFlags(cmd)
	cmd.Flags().BoolVar(&createFile, "create", false, "make the SQLite file if it does not exist")
	return cmd
}

// serviceAccount is that of the package's service.
const serviceAccount = "dbsep"

// aboutNewFile says whose a new SQLite file is, and what the service needs.
func aboutNewFile(file string) string {
	owner := "this account"
	if u, err := user.Current(); err == nil {
		owner = u.Username
	}
	text := fmt.Sprintf("made the file %s: owner %s, mode 0600\n", file, owner)
	if owner == serviceAccount {
		return text
	}
	account := "the account that dbsep runs as"
	if _, err := user.Lookup(serviceAccount); err == nil {
		account = serviceAccount
		text += fmt.Sprintf("the service runs as %s, and cannot open it yet: chown %[1]s: %s\n", serviceAccount, file)
	} else {
		text += fmt.Sprintf("if dbsep runs as another account, give it the file: chown ACCOUNT: %s\n", file)
	}
	return text + fmt.Sprintf("let %s write its folder, too: SQLite keeps two files beside it, -wal and -shm\n", account)
}

// errLacking ends a comparison that found something.
var errLacking = errors.New("the tables lack something")

func schemaDiffCommand() *cobra.Command {
	var choice siteChoice
	cmd := &cobra.Command{
		Use:   "diff [GROUP...]",
		Short: "show what the configured database lacks, as SQL",
		Long: `Compares the configured database with the tables of Asterisk: tables, columns,
words of enumerations, keys, indexes, and types that are too narrow. It writes SQL
that adds what is missing, and changes nothing. The exit status is 0 when nothing is
missing, 1 when something is, and 2 when the comparison could not run.`,
		RunE: func(cmd *cobra.Command, groups []string) error {
			l, plan, err := choice.compare(cmd, groups, false)
			if err != nil {
				return err
			}
			defer l.Close()
			if plan.Empty() {
				fmt.Fprintf(cmd.OutOrStdout(), "-- %s lacks nothing of the tables of Asterisk %s.\n", l.DB.Address(), choice.release)
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "-- What %s lacks of the tables of Asterisk %s.\n\n", l.DB.Address(), choice.release)
			if err := plan.Write(cmd.OutOrStdout()); err != nil {
				return exit{2, err}
			}
			return exit{1, errLacking}
		},
	}
	choice.addFlags(cmd)
	return cmd
}

func schemaUpgradeCommand() *cobra.Command {
	var choice siteChoice
	var yes bool
	cmd := &cobra.Command{
		Use:   "upgrade [GROUP...]",
		Short: "add what the configured database lacks",
		Long: `Shows what dbsep schema diff shows, and runs it after a yes. On SQLite and
PostgreSQL all is changed or nothing. The exit status is 0 when nothing is missing any
more, 1 when something is left, and 2 when it could not run.`,
		RunE: func(cmd *cobra.Command, groups []string) error {
			l, plan, err := choice.compare(cmd, groups, false)
			if err != nil {
				return err
			}
			defer l.Close()
			w := cmd.OutOrStdout()
			if err := plan.Write(w); err != nil {
				return exit{2, err}
			}
			if plan.HasStatements() {
				if !yes && !confirmed(cmd) {
					return exit{1, errors.New("nothing was changed; answer y, or give --yes")}
				}
				if err := plan.Apply(cmd.Context()); err != nil {
					return exit{2, err}
				}
				if plan, err = choice.plan(cmd, l); err != nil {
					return err
				}
			}
			if !plan.Empty() {
				return exit{1, errors.New("the tables still lack something, which dbsep schema diff shows")}
			}
			fmt.Fprintf(w, "-- %s lacks nothing of the tables of Asterisk %s.\n", l.DB.Address(), choice.release)
			return nil
		},
	}
	choice.addFlags(cmd)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// confirmed asks whether the changes should be made.
func confirmed(cmd *cobra.Command) bool {
	fmt.Fprint(cmd.ErrOrStderr(), "Make these changes? [y/N] ")
	answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}
