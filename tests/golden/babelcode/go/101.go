func wordsString(s string) []string {
	words, word := []string{}, ""
	for _, each := range s + "," {
		if each != ',' && each != ' ' {
			word += string(each)
		} else if word != "" {
			words = append(words, word)
			word = ""
		}
	}
	return words
}
