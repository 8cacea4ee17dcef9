package sqlgen_test

import (
	"fmt"

	"dbsep/sqlgen"
)

// standardSQL is a dialect for databases that use standard SQL and ? for arguments.
var standardSQL = &sqlgen.Dialect{
	Quote:       func(name string) string { return `"` + name + `"` },
	Placeholder: sqlgen.QuestionMark,
	Read:        func(_ *sqlgen.Column, quoted string) string { return quoted },
	AsText:      func(_ *sqlgen.Column, quoted string) string { return "CAST(" + quoted + " AS VARCHAR)" },
	Escape:      ` ESCAPE '\'`,
	AfterOne:    " FETCH FIRST 1 ROW ONLY",
}

// queueMembers is the schema of a table. A program reads it from its database.
var queueMembers = sqlgen.NewTable("queue_members", []sqlgen.Column{
	{Name: "queue_name", Class: sqlgen.Text, Type: "varchar(80)", Size: 80},
	{Name: "interface", Class: sqlgen.Text, Type: "varchar(80)", Size: 80},
	{Name: "penalty", Class: sqlgen.Integer, Type: "integer", Size: 4, Nullable: true},
})

// A condition may have an operator after its column. Rows are ordered by the first
// column of the conditions.
func ExampleMulti() {
	s, err := sqlgen.Multi(standardSQL, queueMembers, []sqlgen.Field{
		{Name: "interface LIKE", Value: "PJSIP/%"},
		{Name: "Penalty <=", Value: "5"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.SQL)
	fmt.Printf("%q\n", s.Args)
	// Output:
	// SELECT "queue_name", "interface", "penalty" FROM "queue_members" WHERE "interface" LIKE ? ESCAPE '\' AND "penalty" <= ? ORDER BY "interface"
	// ["PJSIP/%" "5"]
}

// An empty value for a number is NULL.
func ExampleUpdate() {
	s, err := sqlgen.Update(standardSQL, queueMembers,
		[]sqlgen.Field{{Name: "interface", Value: "PJSIP/alice"}},
		[]sqlgen.Field{{Name: "queue_name", Value: "sales"}, {Name: "penalty", Value: ""}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.SQL)
	fmt.Println(s.Args...)
	// Output:
	// UPDATE "queue_members" SET "queue_name" = ?, "penalty" = ? WHERE "interface" = ?
	// sales <nil> PJSIP/alice
}

// A name that is not a column of the table is an error. It never becomes part of a
// statement.
func ExampleFault() {
	_, err := sqlgen.Destroy(standardSQL, queueMembers, []sqlgen.Field{{Name: `1=1; --`, Value: "x"}})
	fmt.Println(err)
	// Output:
	// no such column: "1=1; --" of table "queue_members"
}
