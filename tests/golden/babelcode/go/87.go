func getRow(lst [][]int, x int) [][]int {
	found := [][]int{}
	for row := range lst {
		for column := len(lst[row]) - 1; column >= 0; column-- {
			if lst[row][column] == x {
				found = append(found, []int{row, column})
			}
		}
	}
	return found
}
