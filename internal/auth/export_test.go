package auth

// Comparisons is how many passwords an authorizer has compared.
func Comparisons(g *Authorizer) int64 { return g.passwords.attempts.comparisons.Load() }

// Remembered is how many entries an authorizer keeps about passwords and senders.
func Remembered(g *Authorizer) int {
	a := g.passwords.attempts
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.right) + len(a.wrong) + len(a.waiting) + len(a.senders)
}
