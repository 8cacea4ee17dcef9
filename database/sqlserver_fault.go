package database

import (
	"errors"
	"io"
	"slices"

	mssql "github.com/microsoft/go-mssqldb"

	"dbsep/sqlgen"
)

// sqlserverFault is what is known of an error's number.
type sqlserverFault struct {
	cause  sqlgen.Cause
	remedy string
}

// sqlserverFaults are the errors of SQL Server that a telephone system meets, by
// their numbers. Those from 40000 on are of its kin in the cloud.
var sqlserverFaults = func() map[int32]sqlserverFault {
	faults := make(map[int32]sqlserverFault)
	set := func(cause sqlgen.Cause, remedy string, numbers ...int32) {
		for _, n := range numbers {
			faults[n] = sqlserverFault{cause, remedy}
		}
	}
	set(sqlgen.UnknownTable, "", 208, 3701, 4902)
	set(sqlgen.UnknownColumn, "", 207, 1911, 4924)
	set(sqlgen.UnknownOperator, "columns of this type cannot be compared so", 305, 306, 402, 403, 8116)
	set(sqlgen.Duplicate, "", 2601, 2627)
	set(sqlgen.Constraint, "", 515, 547, 550, 4405, 4406)
	set(sqlgen.Constraint, "leave the column out: the server fills it", 271, 272, 273, 544, 8102)
	set(sqlgen.BadValue, "", 206, 220, 232, 235, 241, 242, 244, 245, 248, 257, 260, 293, 295, 517, 529,
		2628, 8114, 8115, 8152, 8169, 8170, 9402, 9420, 9455)
	set(sqlgen.Denied, "give the account its rights with GRANT", 229, 230, 262, 297, 300)
	set(sqlgen.Denied, "make the login a user of the database with CREATE USER", 916)
	set(sqlgen.Denied, "correct dbuser and dbpass, or the account's password on the server", 18456)
	set(sqlgen.Denied, `write dbuser as DOMAIN\account, or let the server take its own logins as well as those of Windows`, 18452)
	set(sqlgen.Denied, "enable or unlock the account", 18470, 18486)
	set(sqlgen.Denied, "give the account a new password", 18487, 18488)
	set(sqlgen.Denied, "let this host in at the server's firewall", 40615)
	set(sqlgen.ReadOnly, "connect to the primary server, or make the database writable", 3906, 3908)
	set(sqlgen.Full, "make room on the server's disk, or let the database's files grow", 1101, 1105, 9002, 40544)
	set(sqlgen.Busy, "", 701, 802, 1204, 1205, 1222, 3960, 8645, 8651, 40501, 49918, 49919, 49920)
	set(sqlgen.Busy, "raise the server's limit of connections, or lower dbsep's", 10928, 10929, 10936, 17809, 17810)
	set(sqlgen.Unavailable, "correct database in dsn, or let the login use the database", 911, 4060, 4064)
	set(sqlgen.Unavailable, "", 596, 921, 922, 923, 924, 926, 927, 942, 945, 976, 978, 979, 982, 983, 3980,
		6005, 6006, 17142, 18401, 18451, 18461, 40197, 40613)
	return faults
}()

// faultSQLServer goes by the first known of the errors that came together: what
// follows a cause is often no more than that the login or the statement has
// ended.
func faultSQLServer(err error) (cause sqlgen.Cause, remedy string) {
	var e mssql.Error
	var stream mssql.StreamError
	switch {
	case errors.As(err, &e):
		for _, one := range slices.Concat(e.All, []mssql.Error{e}) {
			if f, known := sqlserverFaults[one.Number]; known {
				return f.cause, f.remedy
			}
		}
	case errors.As(err, &stream), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return sqlgen.Unavailable, ""
	}
	return sqlgen.Unexpected, ""
}

// againSQLServer knows the errors of a statement that gave way to others. A
// statement is a transaction of its own: it has done nothing.
func againSQLServer(err error) (again, wait bool) {
	var e mssql.Error
	return errors.As(err, &e) && (e.Number == 1205 || e.Number == 3960), false
}

// severedSQLServer knows the errors of a connection that the server or the driver
// has ended.
func severedSQLServer(err error) bool {
	var e mssql.Error
	var stream mssql.StreamError
	return errors.As(err, &e) && slices.Contains([]int32{596, 6005, 6006}, e.Number) || errors.As(err, &stream)
}
