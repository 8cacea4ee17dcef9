package config_test

import (
	"fmt"

	"dbsep/internal/config"
)

func ExampleParse() {
	c, err := config.Parse("dbsep.conf", []byte(`dsn=DBI:mysql:database=asterisk
dbuser=asterisk

[limits]
statement_timeout=3s
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.DSN, c.Limits.Statement, c.Limits.MaxRows)
	// Output: DBI:mysql:database=asterisk 3s 1000000
}

// All mistakes of a file are reported at once.
func ExampleProblems() {
	_, err := config.Parse("dbsep.conf", []byte("[server]\nliste=:8000\n[limits]\nmax_rows=all\n"))
	fmt.Println(err)
	// Output:
	// dbsep.conf:2: liste: [server] has no such setting; did you mean listen?
	// dbsep.conf:4: max_rows: "all" is not a number in range; write a whole number from 1 to 1073741824
}
