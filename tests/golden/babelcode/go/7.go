func filterBySubstring(strings []string, substring string) []string {
	found := []string{}
	for _, each := range strings {
		for start := 0; start+len(substring) <= len(each); start++ {
			if each[start:start+len(substring)] == substring {
				found = append(found, each)
				break
			}
		}
	}
	return found
}
