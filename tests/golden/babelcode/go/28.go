func concatenate(strings []string) string {
	result := ""
	for _, each := range strings {
		result += each
	}
	return result
}
