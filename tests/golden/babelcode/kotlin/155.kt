fun evenOddCount(num: Int): ArrayList<Int> {
    val (even, odd) = abs(num).toString().partition { it.digitToInt() % 2 == 0 }
    return arrayListOf(even.length, odd.length)
}
