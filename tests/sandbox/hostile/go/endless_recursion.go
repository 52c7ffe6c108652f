// expected: fails | over the memory limit
package main

func down(n int) int { return down(n+1) + n }

func main() { println(down(0)) }
