// expected: no build
package main

// #include <stdlib.h>
// #cgo CFLAGS: -fplugin=/tmp/x.so
import "C"

func main() { C.system(nil) }
