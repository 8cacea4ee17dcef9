package database

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/sqlgen"
)

func TestFaultOfSeveralServers(t *testing.T) {
	denies := &unreachable{&mysql.MySQLError{Number: 1045}}
	full := &unreachable{&mysql.MySQLError{Number: 1040}}
	away := &unreachable{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	const password = "correct dbuser and dbpass, or the account's password on the server"
	for _, test := range []struct {
		name   string
		errs   []error
		cause  sqlgen.Cause
		remedy string
	}{
		{"all are away", []error{away, away}, sqlgen.Unavailable, ""},
		{"all refuse the account", []error{denies, denies}, sqlgen.Denied, password},
		{"one is away, one refuses the account", []error{away, denies}, sqlgen.Unavailable, password},
		{"one refuses the account, one is away", []error{denies, away}, sqlgen.Unavailable, password},
		{"one refuses the account, one has no place", []error{denies, full}, sqlgen.Busy, password},
	} {
		t.Run(test.name, func(t *testing.T) {
			var fault *sqlgen.Fault
			err := (&DB{kind: mariadb}).fault(t.Context(), &unreachable{errors.Join(test.errs...)})
			if !errors.As(err, &fault) || fault.Cause != test.cause || fault.Remedy != test.remedy {
				t.Errorf("%v: %+v", err, fault)
			}
		})
	}
}
