// Package logging writes the log and the access log as configured.
package logging
