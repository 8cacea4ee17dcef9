// Package webserver proves dbsep behind Apache and nginx, in every way that
// docs/apache.md, docs/nginx.md and docs/migrating.md describe: as a CGI program,
// under FastCGI, and as a server that is proxied to. The configuration is that of
// the pages, with only addresses and paths replaced. Behind rewrite rules it proves
// lighttpd, too.
package webserver
