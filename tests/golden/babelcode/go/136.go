func largestSmallestIntegers(lst []int) []string {
	result := []string{"", ""}
	sorted := append([]int{}, lst...)
	sort.Ints(sorted)
	for _, each := range sorted {
		if each < 0 {
			result[0] = fmt.Sprint(each)
		}
		if each > 0 && result[1] == "" {
			result[1] = fmt.Sprint(each)
		}
	}
	return result
}
