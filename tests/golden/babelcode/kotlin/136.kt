fun largestSmallestIntegers(lst: ArrayList<Int>): ArrayList<String> {
    val negative = lst.filter { it < 0 }.maxOrNull()
    val positive = lst.filter { it > 0 }.minOrNull()
    return arrayListOf(negative?.toString() ?: "", positive?.toString() ?: "")
}
