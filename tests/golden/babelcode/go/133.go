func sumSquares(lst []float64) int {
	sum := 0
	for _, each := range lst {
		whole := int(math.Ceil(each))
		sum += whole * whole
	}
	return sum
}
