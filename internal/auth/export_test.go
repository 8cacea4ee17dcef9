package auth

// Comparisons is how many passwords a guard has compared.
func Comparisons(g *Guard) int64 { return g.passwords.attempts.comparisons.Load() }

// Remembered is how many entries a guard keeps about passwords and senders.
func Remembered(g *Guard) int {
	a := g.passwords.attempts
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.right) + len(a.wrong) + len(a.queues)
}
