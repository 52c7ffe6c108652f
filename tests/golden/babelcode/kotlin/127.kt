fun intersection(interval1: ArrayList<Int>, interval2: ArrayList<Int>): String {
    val length = minOf(interval1[1], interval2[1]) - maxOf(interval1[0], interval2[0])
    return if (length >= 2 && (2 until length).none { length % it == 0 }) "YES" else "NO"
}
