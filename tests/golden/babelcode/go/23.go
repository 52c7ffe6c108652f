func getStringLength(s string) int {
	length := 0
	for range s {
		length += 1
	}
	return length
}
