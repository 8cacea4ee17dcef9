// Package docs holds the manual. There is no code in it; its test checks the rules
// of the blocks that no server in the tests runs.
package docs
