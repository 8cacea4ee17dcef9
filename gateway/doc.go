// Package gateway implements the realtime protocol over HTTP. It parses a path and
// a form, has a statement built and run, and writes rows or a count.
//
// A request passes through the files in this order: gateway.go serves it,
// request.go and form.go parse it, operation.go runs its operation, sqlgen builds
// the statement, the [Database] runs it, and response.go writes the response.
// errors.go alone decides what a client gets when something fails.
//
// The package knows no driver and no configuration file: it sees a database as
// [Database] and its settings as [Options].
package gateway
