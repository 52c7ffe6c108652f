fun rollingMax(numbers: ArrayList<Int>): ArrayList<Int> {
    val maxima = ArrayList<Int>()
    for (n in numbers) maxima.add(if (maxima.isEmpty()) n else maxOf(maxima.last(), n))
    return maxima
}
