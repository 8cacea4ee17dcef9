// Package container proves that the Containerfile makes an image that runs without root,
// without a file of configuration, and that reports its health.
package container
