func intersection(interval1 []int, interval2 []int) string {
	start, end := interval1[0], interval1[1]
	if interval2[0] > start {
		start = interval2[0]
	}
	if interval2[1] < end {
		end = interval2[1]
	}
	length := end - start
	if length < 2 {
		return "NO"
	}
	for divisor := 2; divisor < length; divisor++ {
		if length%divisor == 0 {
			return "NO"
		}
	}
	return "YES"
}
