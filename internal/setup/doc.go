// Package setup turns a configuration into an open database and the settings of a
// gateway. The standalone server, CGI, FastCGI and the inspection of a site share it.
package setup
