fun fib(n: Int): Int {
    var before = 1
    var last = 0
    repeat(n) {
        val next = before + last
        before = last
        last = next
    }
    return last
}
