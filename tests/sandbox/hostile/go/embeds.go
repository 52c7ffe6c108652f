// expected: no build
package main

import (
	_ "embed"
	"fmt"
)

//go:embed main.go
var text string

func main() { fmt.Println("ESCAPED", text) }
