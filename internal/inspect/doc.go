// Package inspect looks at a site for an administrator: what each setting means, what
// the database has, and what in it would go wrong.
package inspect
