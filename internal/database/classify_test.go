package database

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"dbsep/sqlgen"
)

// Errors of a server that responds.
var (
	errAccount = errors.New("the account is refused")
	errFull    = errors.New("there are too many connections")
)

func TestFaultOfSeveralServers(t *testing.T) {
	denies := &unreachable{errAccount}
	full := &unreachable{errFull}
	away := &unreachable{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	const password = "correct dbuser and dbpass"
	server := &Driver{ClassifyError: func(err error) (sqlgen.Cause, string) {
		switch {
		case errors.Is(err, errAccount):
			return sqlgen.Denied, password
		case errors.Is(err, errFull):
			return sqlgen.Busy, ""
		}
		return sqlgen.Unexpected, ""
	}}
	for _, test := range []struct {
		name  string
		errs  []error
		cause sqlgen.Cause
		hint  string
	}{
		{"all are away", []error{away, away}, sqlgen.Unavailable, ""},
		{"all refuse the account", []error{denies, denies}, sqlgen.Denied, password},
		{"one is away, one refuses the account", []error{away, denies}, sqlgen.Unavailable, password},
		{"one refuses the account, one is away", []error{denies, away}, sqlgen.Unavailable, password},
		{"one refuses the account, one has no place", []error{denies, full}, sqlgen.Busy, password},
		{"one is away, one has no place", []error{away, full}, sqlgen.Busy, ""},
		{"one has no place, one is away", []error{full, away}, sqlgen.Busy, ""},
		{"one has no place, one refuses the account", []error{full, denies}, sqlgen.Busy, password},
	} {
		t.Run(test.name, func(t *testing.T) {
			var fault *sqlgen.Fault
			err := (&DB{driver: server}).fault(t.Context(), &unreachable{errors.Join(test.errs...)})
			if !errors.As(err, &fault) || fault.Cause != test.cause || fault.Hint != test.hint {
				t.Errorf("%v: %+v", err, fault)
			}
		})
	}
}
