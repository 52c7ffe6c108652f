func longest(strings []string) string {
	found := ""
	for _, each := range strings {
		if len(each) > len(found) {
			found = each
		}
	}
	return found
}
