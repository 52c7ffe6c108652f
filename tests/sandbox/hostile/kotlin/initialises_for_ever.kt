// expected: out of time
val started: Int by lazy { generateSequence(1) { it + 1 }.filter { it < 0 }.filter { it > 0 }.first() }

fun main() {
    while (true) println(started)
}
