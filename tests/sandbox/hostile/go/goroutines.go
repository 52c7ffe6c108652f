// expected: over the memory limit | over the process limit | out of time | fails
package main

func main() {
	for {
		go func() {
			kept := make([]byte, 1<<16)
			for i := range kept {
				kept[i] = 1
			}
			select {}
		}()
	}
}
