package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"dbsep/sqlgen"
)

// A Code names a kind of error. It is sent in the header X-Dbsep-Error, and in
// JSON, and does not change from version to version.
type Code string

const (
	Unauthorized         Code = "unauthorized"
	Forbidden            Code = "forbidden"
	TooManyAttempts      Code = "too-many-attempts"
	TooManyClients       Code = "too-many-clients"
	CrossOrigin          Code = "cross-origin"
	UnknownHost          Code = "unknown-host"
	BadRequest           Code = "bad-request"
	UnexpectedProxy      Code = "unexpected-proxy-header"
	HTTPSRequired        Code = "https-required"
	UnknownOperation     Code = "unknown-operation"
	NoTable              Code = "no-table"
	MethodNotAllowed     Code = "method-not-allowed"
	UnsupportedMediaType Code = "unsupported-media-type"
	BodyTooLarge         Code = "body-too-large"
	BodyUnreadable       Code = "body-unreadable"
	TooManyFields        Code = "too-many-fields"
	TooManyColumns       Code = "too-many-columns"
	TooManyRows          Code = "too-many-rows"
	RowTooLarge          Code = "row-too-large"
	NoName               Code = "no-name"
	NulByte              Code = "nul-byte"
	NoFile               Code = "no-file"
	GluedFields          Code = "glued-fields"
	NoCondition          Code = "no-condition"
	NoValue              Code = "no-value"
	UnknownTable         Code = "unknown-table"
	UnknownColumn        Code = "unknown-column"
	UnknownOperator      Code = "unknown-operator"
	RepeatedColumn       Code = "repeated-column"
	BadRequirement       Code = "bad-requirement"
	NoRow                Code = "no-row"
	RequirementNotMet    Code = "requirement-not-met"
	Duplicate            Code = "duplicate"
	Constraint           Code = "constraint"
	Rejected             Code = "rejected"
	NotWritable          Code = "not-writable"
	BadValue             Code = "bad-value"
	Denied               Code = "denied"
	ReadOnly             Code = "read-only"
	Full                 Code = "full"
	Busy                 Code = "busy"
	Timeout              Code = "timeout"
	Unavailable          Code = "unavailable"
	ClientGone           Code = "client-gone"
	SlowClient           Code = "slow-client"
	Internal             Code = "internal"
)

// An Entry of the catalogue says what a code means and how it is sent.
type Entry struct {
	Code    Code
	Status  int    // HTTP status; a failed write in text has 200 (P4), unless its client was refused
	Meaning string // for the client
	Hint    string // how to fix it
}

// Catalogue lists every error that a client can get, in the order of docs/errors.md.
var Catalogue = []Entry{
	{Unauthorized, http.StatusUnauthorized, "authentication required", "send a user name and a password that are in the file [server] htpasswd"},
	{Forbidden, http.StatusForbidden, "forbidden", "see [server] allow and the sections [tables] of dbsep.conf"},
	{TooManyAttempts, http.StatusTooManyRequests, "too many wrong passwords", "wait a minute; then send the right password"},
	{TooManyClients, http.StatusServiceUnavailable, "too many clients are connected", "let clients close connections that they do not use, or raise [limits] max_clients or max_clients_per_address"},
	{CrossOrigin, http.StatusForbidden, "a web page of another server sent the request", "let the page send it to its own server; if the page is one of yours, add the host name of its address to hosts= in the section [server]"},
	{UnknownHost, http.StatusForbidden, "the Host header is none of this server's names", "add the name to hosts= in the section [server], or let the client or the proxy send Host: localhost"},
	{BadRequest, http.StatusBadRequest, "the request is not valid HTTP", "send one valid Host, at most one Content-Length, a path without broken % escapes, and a header of less than 16 KiB"},
	{UnexpectedProxy, http.StatusForbidden, "a PROXY protocol header came from an address that may not send one", "add the proxy's network to [server] proxy_protocol, or remove send-proxy from the proxy's configuration"},
	{HTTPSRequired, http.StatusBadRequest, "plain HTTP was sent to an HTTPS port", "write https:// in extconfig.conf, or remove tls_cert and tls_key from [server]"},
	{UnknownOperation, http.StatusNotFound, "the path does not end in an operation", "end the URL with /TABLE/ and one of single, multi, store, update, destroy, require, static"},
	{NoTable, http.StatusNotFound, "the path names no table", "end the URL with /TABLE/OPERATION; in extconfig.conf the table is the last part of the URL"},
	{MethodNotAllowed, http.StatusMethodNotAllowed, "method not allowed", "use POST; GET works for single, multi and static"},
	{UnsupportedMediaType, http.StatusUnsupportedMediaType, "unsupported content type", "send the fields as application/x-www-form-urlencoded"},
	{BodyTooLarge, http.StatusRequestEntityTooLarge, "the body is too large", "send less, or raise [limits] max_body_bytes"},
	{BodyUnreadable, http.StatusBadRequest, "the body is incomplete or arrived too slowly", "send the request again; see [limits] read_timeout"},
	{TooManyFields, http.StatusBadRequest, "the request has too many fields", "send fewer fields, or raise [limits] max_fields"},
	{TooManyColumns, http.StatusBadRequest, "the table has too many columns", "query a view with fewer columns"},
	{TooManyRows, http.StatusBadRequest, "the response has too many rows", "use a narrower condition, or raise [limits] max_rows"},
	{RowTooLarge, http.StatusBadRequest, "a row is too large", "query a view without the large column, or raise [limits] max_row_bytes"},
	{NoName, http.StatusBadRequest, "a field has no name", "send fields as name=value"},
	{NulByte, http.StatusBadRequest, "a field holds a NUL byte", "send text without NUL bytes"},
	{NoFile, http.StatusBadRequest, "no static file is named", "add ?file=NAME to the URL"},
	{GluedFields, http.StatusBadRequest, "the glued fields cannot be separated", "see docs/errors.md; the table's column names allow more than one reading, or none"},
	{NoCondition, http.StatusBadRequest, "the request has no condition", "send at least one field; dbsep never reads, changes or deletes a whole table"},
	{NoValue, http.StatusBadRequest, "the request has no new value", "send at least one field in the body"},
	{UnknownTable, http.StatusNotFound, "there is no such table", "create the table, or correct its name in extconfig.conf; dbsep check lists the tables"},
	{UnknownColumn, http.StatusBadRequest, "the table has no such column", "add the column to the table, or correct its name"},
	{UnknownOperator, http.StatusBadRequest, "there is no such operator", "use one of " + sqlgen.Operators + " after the column's name"},
	{RepeatedColumn, http.StatusBadRequest, "a column has two values", "send each column once"},
	{BadRequirement, http.StatusBadRequest, "a requirement is not valid", "send column=type:size, as in name=char:80"},
	{NoRow, http.StatusNotFound, "no row meets the conditions", ""},
	{RequirementNotMet, http.StatusConflict, "the table does not meet what is required of it", "the log names each column and the ALTER TABLE that fixes it"},
	{Duplicate, http.StatusConflict, "a row with this key exists", "update the row, or set [compat] store_duplicate=replace"},
	{Constraint, http.StatusConflict, "a constraint of the table forbids the row", "send every column that must not be NULL; see the table's definition"},
	{Rejected, http.StatusConflict, "a trigger or a view of the database refused the statement", "look at the triggers of the table, or at the view's definition; the log has the database's own words with [log] level=debug"},
	{NotWritable, http.StatusConflict, "the view or the column takes no values", "write to the table behind the view, give the view INSTEAD OF triggers, or do not send the generated column"},
	{BadValue, http.StatusBadRequest, "a value does not fit its column", "widen the column, or send a value of its type"},
	{Denied, http.StatusInternalServerError, "the database account may not do this", "check dbuser and dbpass in dbsep.conf and the account's rights"},
	{ReadOnly, http.StatusServiceUnavailable, "the database takes no writes", "make the database, or its file and folder, writable for the account that runs dbsep"},
	{Full, http.StatusServiceUnavailable, "the database has no space left", "free space on the database's disk"},
	{Busy, http.StatusServiceUnavailable, "the database or dbsep is busy", "try again; if it persists, look for what holds a lock or all connections"},
	{Timeout, http.StatusServiceUnavailable, "the database took too long", "look for a missing index, or raise [limits] statement_timeout"},
	{Unavailable, http.StatusServiceUnavailable, "the database cannot be reached", "start the database; dbsep check reports what is wrong with the connection"},
	{ClientGone, 499, "the client disconnected before the response was complete", ""},
	{SlowClient, 499, "the client read a long response too slowly and was disconnected", "let the client read faster, or raise [limits] response_memory or slow_reader_timeout"},
	{Internal, http.StatusInternalServerError, "an error inside dbsep or the database", "the log has more with [log] level=debug"},
}

var catalogue = func() map[Code]Entry {
	m := make(map[Code]Entry, len(Catalogue))
	for _, e := range Catalogue {
		m[e.Code] = e
	}
	return m
}()

// codes maps the cause of a fault to its code.
var codes = map[sqlgen.Cause]Code{
	sqlgen.UnknownTable:    UnknownTable,
	sqlgen.UnknownColumn:   UnknownColumn,
	sqlgen.UnknownOperator: UnknownOperator,
	sqlgen.NoCondition:     NoCondition,
	sqlgen.NoValue:         NoValue,
	sqlgen.RepeatedColumn:  RepeatedColumn,
	sqlgen.BadRequirement:  BadRequirement,
	sqlgen.Mismatch:        RequirementNotMet,
	sqlgen.Duplicate:       Duplicate,
	sqlgen.Constraint:      Constraint,
	sqlgen.Rejected:        Rejected,
	sqlgen.NotWritable:     NotWritable,
	sqlgen.BadValue:        BadValue,
	sqlgen.Denied:          Denied,
	sqlgen.ReadOnly:        ReadOnly,
	sqlgen.Full:            Full,
	sqlgen.Busy:            Busy,
	sqlgen.Timeout:         Timeout,
	sqlgen.Unavailable:     Unavailable,
	sqlgen.Canceled:        ClientGone,
	sqlgen.RowTooLarge:     RowTooLarge,
}

// An Error is the reason why a request failed. It holds no value of the request.
type Error struct {
	Code       Code
	Table      string // if known
	Column     string // if known
	Constraint string // or key, if known
	Hint       string // replaces the catalogue's
	Err        error  // the cause, for a log at debug level

	// Refused is set if the client itself is refused, and not only its request: its
	// connection ends.
	Refused bool
}

func (e *Error) Error() string { return catalogue[e.Code].Meaning }

func (e *Error) Unwrap() error { return e.Err }

// asError returns any error as an error of the catalogue.
func asError(err error) *Error {
	var known *Error
	var fault *sqlgen.Fault
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &fault):
		code, ok := codes[fault.Cause]
		if !ok {
			code = Internal
		}
		return &Error{Code: code, Table: fault.Table, Column: fault.Column, Constraint: fault.Constraint, Hint: fault.Hint, Err: fault.Err}
	}
	return &Error{Code: Internal, Err: err}
}

// Explain returns the code of an error and a hint how to fix it. Both are safe for any log.
func Explain(err error) (code Code, hint string) {
	e := asError(err)
	return e.Code, e.hint()
}

// Refuse responds to a request with an error as a gateway does, and writes no log
// line. It is for a server without a gateway.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	req := newRequest(r)
	resp := newResponse(w, req, defaultWriteTimeout)
	defer resp.release()
	resp.fail(req, asError(err))
}

// header sets the header fields of an error response.
func (e *Error) header(h http.Header) {
	h.Set("X-Dbsep-Error", string(e.Code))
	if e.Code == Unauthorized {
		h.Set("WWW-Authenticate", `Basic realm="dbsep", charset="UTF-8"`)
	}
	if e.Refused {
		h.Set("Connection", "close")
	}
}

// fromDatabase reports whether the database itself returned an error. If not, the
// request does not match the cached schema.
func fromDatabase(err error) bool {
	var fault *sqlgen.Fault
	return errors.As(err, &fault) && fault.Err != nil
}

// A failureBody is the body of a failed request in text. Asterisk must take it for a
// failure and nothing else.
type failureBody int

const (
	failRows    failureBody = iota // empty, which is no row (P3)
	failCount                      // -1 with status 200 (P1, P4)
	failRequire                    // -1 where the table is known to lack something, else 0 (P19)
	failStatic                     // a row that makes Asterisk keep its configuration (P5)
)

// fail logs an error and sends the error response, unless the response has started.
func (g *Gateway) fail(r *http.Request, req *request, resp *response, err error) {
	e := *asError(err) // requests that share a query have the same
	if e.Table == "" {
		e.Table = req.table
	}
	req.code = e.Code
	g.logError(r, req, &e)
	if resp.started {
		resp.abandon()
		panic(http.ErrAbortHandler) // the client notices that the response is incomplete
	}
	resp.fail(req, &e)
}

// fail sends the error response.
func (resp *response) fail(req *request, e *Error) {
	status := resp.writeFailure(req, e)
	e.header(resp.w.Header())
	if e.Code == MethodNotAllowed && req.operation != nil {
		resp.w.Header().Set("Allow", req.operation.methods())
	}
	_ = resp.send(status)
}

// failureBody returns the kind of body that a failure of this request gets in text. A
// POST without an operation may be a write: an empty body would be a false success (P1).
func (req *request) failureBody() failureBody {
	switch {
	case req.operation != nil:
		return req.operation.failure
	case req.posted:
		return failCount
	}
	return failRows
}

// writeFailure writes the body of an error response and returns its status.
func (resp *response) writeFailure(req *request, e *Error) int {
	entry := catalogue[e.Code]
	resp.buf = resp.buf[:0]
	if resp.json {
		resp.buf = append(resp.buf, e.json()...)
		return entry.Status
	}
	switch req.failureBody() {
	case failRows:
		return entry.Status
	case failRequire:
		if entry.leavesTableUnknown() {
			resp.buf = append(resp.buf, "0\n"...)
		} else {
			resp.buf = append(resp.buf, "-1\n"...)
		}
	case failCount:
		resp.buf = append(resp.buf, "-1\n"...)
	case failStatic:
		resp.names = staticNames
		resp.staticRow([][]byte{[]byte("0"), []byte("general"), []byte("#include"), []byte("/dbsep/error/" + string(e.Code))})
	}
	switch e.Code {
	case Unauthorized, Forbidden, TooManyAttempts, CrossOrigin, UnknownHost:
		return entry.Status // HTTP libraries need it, for example to send a password
	}
	if req.operation == nil {
		return entry.Status // OpenSIPS' db_http needs it, and its paths have no operation
	}
	return http.StatusOK
}

// leavesTableUnknown reports whether an error says nothing about the table. If
// Asterisk's queue log hears at its start that the table lacks something, it gives up
// its columns until its next reload.
func (e Entry) leavesTableUnknown() bool {
	return e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests
}

// json returns the error as an object on one line.
func (e *Error) json() []byte {
	type object struct {
		Code    Code   `json:"code"`
		Message string `json:"message"`
		Table   string `json:"table,omitempty"`
		Column  string `json:"column,omitempty"`
		Hint    string `json:"hint,omitempty"`
	}
	text, _ := json.Marshal(map[string]object{"error": {e.Code, e.Error(), logName(e.Table), logName(e.Column), e.hint()}})
	return append(text, '\n')
}

func (e *Error) hint() string {
	if e.Hint != "" {
		return e.Hint
	}
	return catalogue[e.Code].Hint
}

// recoverPanic turns a panic into an error response, where the connection would
// be closed without one.
func (g *Gateway) recoverPanic(r *http.Request, req *request, resp *response) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // recover returns what panic was given
		panic(p)
	}
	g.fail(r, req, resp, panicError(p))
}

// panicError is the error of what recover has returned.
func panicError(p any) error {
	return &Error{Code: Internal, Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
}
