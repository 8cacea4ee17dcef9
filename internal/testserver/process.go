package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 10 * time.Second
	pollPause    = 20 * time.Millisecond
)

// A Process is a program that serves, and the folder it lives in.
type Process struct {
	dir    string
	cmd    *exec.Cmd
	signal syscall.Signal // that ends it
	log    *bytes.Buffer  // read only once the process has ended
	exited chan struct{}
}

// Start starts a program that runs until the signal ends it. The folder is removed
// after it.
func Start(dir string, cmd *exec.Cmd, signal syscall.Signal) (*Process, error) {
	p := &Process{dir: dir, cmd: cmd, signal: signal, log: new(bytes.Buffer), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	dieWithParent(cmd, signal)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() {
		cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// Pid is the program's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Await tries something until it succeeds, which it cannot once the program has
// ended.
func (p *Process) Await(try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("the server ended while it started")
		case <-ctx.Done():
			return fmt.Errorf("the server takes no connections after %v: %w", startTimeout, err)
		case <-time.After(pollPause):
		}
	}
}

// Stop ends the server and removes its folder. It returns what the server wrote.
func (p *Process) Stop() (log string) {
	log = p.End()
	os.RemoveAll(p.dir)
	return log
}

// End ends the server, politely, and by force where that takes too long. Its
// folder stays, so that it can be started again.
func (p *Process) End() (log string) {
	p.cmd.Process.Signal(p.signal)
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.cmd.Process.Kill()
		<-p.exited
	}
	return p.log.String()
}

// The ports that FreePort chooses from. The system gives none of them to a program
// that requests any port, so that one which is free stays so until the server that
// it is for listens.
const (
	firstPort = 10000
	ports     = 20000
)

// nextPort begins at another place in each process.
var nextPort atomic.Int64

func init() { nextPort.Store(int64(os.Getpid()) * 97) }

// FreePort finds a port of 127.0.0.1 that nobody makes use of.
func FreePort() (int, error) {
	for range ports {
		port := firstPort + int(nextPort.Add(1)%ports)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, err
		}
	}
	return 0, errors.New("no port of 127.0.0.1 is free")
}
