func separateParenGroups(paren_string string) []string {
	groups := []string{}
	depth, group := 0, ""
	for _, each := range paren_string {
		if each == ' ' {
			continue
		}
		group += string(each)
		if each == '(' {
			depth++
		} else {
			depth--
		}
		if depth == 0 {
			groups = append(groups, group)
			group = ""
		}
	}
	return groups
}
