package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

func parseNestedParens(text string) []int {
	found := []int{}
	for _, group := range strings.Fields(text) {
		level, deepest := 0, 0
		for _, letter := range group {
			if letter == '(' {
				level++
				if level > deepest {
					deepest = level
				}
			} else {
				level--
			}
		}
		found = append(found, deepest)
	}
	return found
}

func histogram(words string) map[string]int {
	counts, kept, most := map[string]int{}, map[string]int{}, 0
	for _, word := range strings.Fields(words) {
		counts[word]++
		if counts[word] > most {
			most = counts[word]
		}
	}
	for word, count := range counts {
		if count == most {
			kept[word] = count
		}
	}
	return kept
}

func report(index int, call func() interface{}) {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Fprintf(os.Stdout, "\nSALT %d raised %v\n", index, problem)
		}
	}()
	told, problem := json.Marshal(call())
	if problem != nil {
		panic(problem)
	}
	fmt.Fprintf(os.Stdout, "\nSALT %d value %s\n", index, told)
}

func main() {
	report(0, func() interface{} { return parseNestedParens("(()()) ((())) () ((())()())") })
	report(1, func() interface{} { return parseNestedParens("() (()) ((())) (((())))") })
	report(2, func() interface{} { return parseNestedParens("(()(())((())))") })
	report(3, func() interface{} { return histogram("a b c a") })
	report(4, func() interface{} { return histogram("a b b a") })
	report(5, func() interface{} { return histogram("") })
}
