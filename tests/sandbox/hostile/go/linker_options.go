// expected: no build
package main

//go:cgo_ldflag "-fplugin=/tmp/hostile.so"

func main() {}
