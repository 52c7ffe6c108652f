func evenOddPalindrome(n int) []int {
	counts := []int{0, 0}
	for number := 1; number <= n; number++ {
		reversed := 0
		for rest := number; rest > 0; rest /= 10 {
			reversed = reversed*10 + rest%10
		}
		if reversed == number {
			counts[number%2]++
		}
	}
	return counts
}
