package config

import "strings"

// closest returns the one of words that a misspelt word was probably meant to be,
// or "" if none is close.
func closest(word string, words []string) string {
	best, least := "", len(word)+1
	for _, w := range words {
		d := editDistance(word, w)
		if d < least && (d <= 1+len(w)/5 || isPrefix(word, w)) {
			best, least = w, d
		}
	}
	return best
}

// isPrefix reports whether one of two words begins with the other, as dbpassword
// begins with dbpass.
func isPrefix(a, b string) bool {
	return min(len(a), len(b)) >= 4 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// editDistance counts the bytes to insert, remove or change, or the neighbours to
// swap, that turn a into b (the Damerau-Levenshtein distance). Words of very
// different length are not compared.
func editDistance(a, b string) int {
	if len(a) > 2*len(b) || len(b) > 2*len(a) {
		return max(len(a), len(b))
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 0
			if a[i-1] != b[j-1] {
				change = 1
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
