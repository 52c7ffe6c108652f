func doubleTheDifference(lst []float64) int {
	sum := 0
	for _, each := range lst {
		if each > 0 && math.Mod(each, 2) == 1 {
			sum += int(each) * int(each)
		}
	}
	return sum
}
