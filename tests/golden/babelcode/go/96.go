func countUpTo(n int) []int {
	primes := []int{}
	for number := 2; number < n; number++ {
		prime := true
		for _, each := range primes {
			if number%each == 0 {
				prime = false
			}
		}
		if prime {
			primes = append(primes, number)
		}
	}
	return primes
}
