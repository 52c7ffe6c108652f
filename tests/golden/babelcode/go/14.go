func allPrefixes(string_arg0 string) []string {
	prefixes := []string{}
	for end := 1; end <= len(string_arg0); end++ {
		prefixes = append(prefixes, string_arg0[:end])
	}
	return prefixes
}
