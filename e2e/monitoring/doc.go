// Package monitoring proves what docs/monitoring.md says: a real Prometheus reads
// what dbsep says of itself, takes the alert rules, and knows every series that
// they and the dashboard use; a real HAProxy sends requests to the dbsep that is
// ready.
package monitoring
