// Package attack is hostile to dbsep: slow and silent clients, floods of
// connections, broken HTTP, and sqlmap, which looks for a way to smuggle SQL
// into requests. Others must be served all the while.
package attack
