func belowThreshold(l []int, t int) bool {
	for _, each := range l {
		if each >= t {
			return false
		}
	}
	return true
}
