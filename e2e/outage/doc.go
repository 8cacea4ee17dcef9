// Package outage takes real databases away from dbsep while clients send requests,
// gives them back, and counts: writes that had the response 1 and are not in the
// database, writes done twice, reads lost, the longest wait, and how long it takes
// until all is well again. Its figures are those of docs/resilience.md:
//
//	go test -tags e2e -count 1 -v ./e2e/outage
package outage
