//go:build !linux

package control

import (
	"context"
	"errors"
	"net"
)

func listen() (net.Listener, error) { return nil, errors.ErrUnsupported }

func dial(context.Context, int) (net.Conn, error) { return nil, errors.ErrUnsupported }

func mayAsk(net.Conn) bool { return false }

// Servers is for Linux only.
func Servers(context.Context) ([]int, error) { return nil, errors.ErrUnsupported }
