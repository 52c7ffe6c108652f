func intToMiniRoman(number int) string {
	values := []int{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1}
	signs := []string{"m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"}
	result := ""
	for i, value := range values {
		for number >= value {
			result += signs[i]
			number -= value
		}
	}
	return result
}
