func maxElement(l []int) int {
	largest := l[0]
	for _, each := range l {
		if each > largest {
			largest = each
		}
	}
	return largest
}
