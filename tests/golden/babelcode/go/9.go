func rollingMax(numbers []int) []int {
	result := make([]int, len(numbers))
	for i, number := range numbers {
		result[i] = number
		if i > 0 && result[i-1] > number {
			result[i] = result[i-1]
		}
	}
	return result
}
