func findZero(xs []int) float64 {
	at := func(x float64) float64 {
		sum := 0.0
		for i := len(xs) - 1; i >= 0; i-- {
			sum = sum*x + float64(xs[i])
		}
		return sum
	}
	low, high := -1.0, 1.0
	for at(low)*at(high) > 0 {
		low *= 2
		high *= 2
	}
	for high-low > 1e-10 {
		middle := (low + high) / 2
		if at(low)*at(middle) > 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
