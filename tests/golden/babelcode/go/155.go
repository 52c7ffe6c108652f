func evenOddCount(num int) []int {
	counts := []int{0, 0}
	for _, digit := range fmt.Sprint(num) {
		if digit != '-' {
			counts[(digit-'0')%2]++
		}
	}
	return counts
}
