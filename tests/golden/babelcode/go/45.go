func triangleArea(a int, h int) float64 {
	return float64(a*h) / 2
}
