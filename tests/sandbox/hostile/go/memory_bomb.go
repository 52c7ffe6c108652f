// expected: over the memory limit | fails
package main

func main() {
	var kept [][]byte
	for {
		block := make([]byte, 1<<22)
		for i := range block {
			block[i] = 1
		}
		kept = append(kept, block)
	}
}
