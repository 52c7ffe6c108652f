func histogram(test string) map[string]int {
	counts, most := map[string]int{}, 0
	for _, each := range test {
		if each != ' ' {
			counts[string(each)]++
			if counts[string(each)] > most {
				most = counts[string(each)]
			}
		}
	}
	for letter, count := range counts {
		if count < most {
			delete(counts, letter)
		}
	}
	return counts
}
