func anyInt(x float64, y float64, z float64) bool {
	for _, each := range []float64{x, y, z} {
		if each != math.Trunc(each) {
			return false
		}
	}
	return x+y == z || x+z == y || y+z == x
}
