func rescaleToUnit(numbers []float64) []float64 {
	low, high := numbers[0], numbers[0]
	for _, number := range numbers {
		low = math.Min(low, number)
		high = math.Max(high, number)
	}
	result := []float64{}
	for _, number := range numbers {
		result = append(result, (number-low)/(high-low))
	}
	return result
}
