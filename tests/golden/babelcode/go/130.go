func tri(n int) []float64 {
	row := []float64{1, 3}
	for i := 2; i <= n; i++ {
		if i%2 == 0 {
			row = append(row, 1+float64(i)/2)
		} else {
			row = append(row, row[i-1]+row[i-2]+float64(i+3)/2)
		}
	}
	return row[:n+1]
}
