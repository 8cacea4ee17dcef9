// Package gateway speaks the realtime protocol over HTTP: it reads a path and a
// form, has a statement made and run, and writes rows or a count.
//
// A request is read top down, in files named after the steps: gateway.go takes
// it, request.go and form.go read it, operation.go says what each operation
// needs, sqlgen makes the statement, the [Database] runs it, and reply.go
// writes the answer. What a client is told when something fails is decided in
// errors.go alone.
//
// The package knows no driver and no configuration file: a database is what
// [Database] says, settings are [Options].
package gateway
