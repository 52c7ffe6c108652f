func maxFill(grid [][]int, capacity int) int {
	times := 0
	for _, well := range grid {
		water := 0
		for _, unit := range well {
			water += unit
		}
		times += (water + capacity - 1) / capacity
	}
	return times
}
