import kotlin.math.max

fun parseNestedParens(text: String): ArrayList<Int> {
    val found = ArrayList<Int>()
    for (group in text.split(" ").filter { it.isNotEmpty() }) {
        var level = 0
        var deepest = 0
        for (letter in group) {
            if (letter == '(') {
                level += 1
                deepest = max(level, deepest)
            } else {
                level -= 1
            }
        }
        found.add(deepest)
    }
    return found
}

fun histogram(words: String): Map<String, Int> {
    val counts = mutableMapOf<String, Int>()
    for (word in words.split(" ").filter { it.isNotEmpty() }) {
        counts[word] = (counts[word] ?: 0) + 1
    }
    val most = counts.values.maxOrNull() ?: 0
    return counts.filterValues { it == most }
}

fun encode(value: Any?): String =
    when (value) {
        is Map<*, *> -> value.entries.joinToString(",", "[", "]") { "[" + encode(it.key) + "," + encode(it.value) + "]" }
        is Collection<*> -> value.joinToString(",", "[", "]") { encode(it) }
        is String -> "\"" + value + "\""
        else -> value.toString()
    }

fun report(index: Int, call: () -> Any?) {
    val told =
        try {
            "value " + encode(call())
        } catch (error: Throwable) {
            "raised " + error.javaClass.simpleName
        }
    print("\nSALT $index $told\n")
    System.out.flush()
}

fun main() {
    report(0) { parseNestedParens("(()()) ((())) () ((())()())") }
    report(1) { parseNestedParens("() (()) ((())) (((())))") }
    report(2) { parseNestedParens("(()(())((())))") }
    report(3) { histogram("a b c a") }
    report(4) { histogram("a b b a") }
    report(5) { histogram("") }
}
