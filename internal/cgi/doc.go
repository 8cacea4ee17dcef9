// Package cgi runs the gateway as a program that a web server starts: for one request
// (CGI) or for many (FastCGI).
package cgi
