//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// runAs runs the program again, as another account of the system, and returns its exit
// status.
func runAs(ctx context.Context, account string, args ...string) (status int, err error) {
	u, err := user.Lookup(account)
	if err != nil {
		return 0, fmt.Errorf("--user: there is no account %q on this system", account)
	}
	credential, err := credentialOf(u)
	if err != nil {
		return 0, fmt.Errorf("--user %s: %w", account, err)
	}
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it says what it has found
	c.Env = append(os.Environ(), "HOME="+u.HomeDir, "USER="+u.Username, "LOGNAME="+u.Username)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	err = c.Run()
	if c.ProcessState != nil {
		return c.ProcessState.ExitCode(), nil
	}
	if errors.Is(err, os.ErrPermission) {
		return 0, fmt.Errorf("--user %s: run %s: %w; only root can check as another account, which must be able to run the program", account, program, err)
	}
	return 0, fmt.Errorf("--user %s: %w", account, err)
}

func credentialOf(u *user.User) (*syscall.Credential, error) {
	groups, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	ids := make([]uint32, 0, len(groups)+2)
	for _, text := range slices.Concat([]string{u.Uid, u.Gid}, groups) {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, err
		}
		ids = append(ids, uint32(id))
	}
	return &syscall.Credential{Uid: ids[0], Gid: ids[1], Groups: ids[2:]}, nil
}
