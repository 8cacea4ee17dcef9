package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestManualPageHasEveryCommandAndOption compares contrib/man/dbsep.1 with the
// program: each command, and each of its options in both forms, with the word for
// its value.
func TestManualPageHasEveryCommandAndOption(t *testing.T) {
	if diff := cmp.Diff(commandsOfProgram(), commandsOfManual(t)); diff != "" {
		t.Errorf("the manual page differs from the program (-program +page):\n%s", diff)
	}
}

// commandsOfProgram are all commands with their options. Completion has a command
// for each shell, which the page describes as one.
func commandsOfProgram() map[string][]string {
	root := command()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	found := map[string][]string{}
	for _, c := range root.Commands() {
		options := optionsOf(c)
		for _, shell := range c.Commands() {
			options = append(options, optionsOf(shell)...)
		}
		slices.Sort(options)
		found[c.Name()] = slices.Compact(options)
	}
	return found
}

func optionsOf(c *cobra.Command) (options []string) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return // the page says once that each command has it
		}
		option := "-" + f.Name
		if f.Shorthand != "" {
			option = f.Shorthand + " , " + option
		}
		if value, _ := pflag.UnquoteUsage(f); value != "" {
			option += " Ar " + value
		}
		options = append(options, option)
	})
	return options
}

var (
	commandInManual = regexp.MustCompile(`^\.Ss ([a-z]+)`)
	optionInManual  = regexp.MustCompile(`^\.It Fl (.+)$`)
)

func commandsOfManual(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../contrib/man/dbsep.1")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if m := commandInManual.FindStringSubmatch(line); m != nil {
			name = m[1]
			found[name] = nil
		}
		if m := optionInManual.FindStringSubmatch(line); m != nil {
			found[name] = append(found[name], m[1])
		}
	}
	for _, options := range found {
		slices.Sort(options)
	}
	return found
}
