func getPositive(l []int) []int {
	result := []int{}
	for _, each := range l {
		if each > 0 {
			result = append(result, each)
		}
	}
	return result
}
