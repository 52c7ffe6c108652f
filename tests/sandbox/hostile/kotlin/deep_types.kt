// expected: no build
fun <T> pair(value: T) = Pair(Pair(value, value), Pair(value, value))

fun main() {
    val a = pair(pair(pair(pair(pair(1)))))
    val b = pair(pair(pair(pair(pair(a)))))
    val c = pair(pair(pair(pair(pair(b)))))
    val d = pair(pair(pair(pair(pair(c)))))
    println(pair(pair(pair(pair(pair(d))))))
}
