// Package monitoring proves what docs/monitoring.md tells: a real Prometheus reads
// what dbsep says of itself, takes the alert rules, and knows every series that
// they and the dashboard ask for; a real HAProxy asks the dbsep that is ready.
package monitoring
