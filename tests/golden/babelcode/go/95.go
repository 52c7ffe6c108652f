func checkDictCase(dict map[string]string) bool {
	lower, upper := len(dict) > 0, len(dict) > 0
	for key := range dict {
		for _, each := range key {
			lower = lower && each >= 'a' && each <= 'z'
			upper = upper && each >= 'A' && each <= 'Z'
		}
	}
	return lower || upper
}
