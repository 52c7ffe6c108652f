func specialFactorial(n int) int64 {
	factorial, product := int64(1), int64(1)
	for i := 1; i <= n; i++ {
		factorial *= int64(i)
		product *= factorial
	}
	return product
}
