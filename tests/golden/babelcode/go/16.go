func countDistinctCharacters(string_arg0 string) int {
	seen := map[rune]bool{}
	for _, each := range string_arg0 {
		if each >= 'A' && each <= 'Z' {
			each += 'a' - 'A'
		}
		seen[each] = true
	}
	return len(seen)
}
