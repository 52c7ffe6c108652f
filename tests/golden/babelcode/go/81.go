func numericalLetterGrade(grades []float64) []string {
	steps := []float64{3.7, 3.3, 3.0, 2.7, 2.3, 2.0, 1.7, 1.3, 1.0, 0.7, 0.0}
	letters := []string{"A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-"}
	result := []string{}
	for _, grade := range grades {
		letter := "E"
		for i := len(steps) - 1; i >= 0; i-- {
			if grade > steps[i] {
				letter = letters[i]
			}
		}
		if grade == 4.0 {
			letter = "A+"
		}
		result = append(result, letter)
	}
	return result
}
