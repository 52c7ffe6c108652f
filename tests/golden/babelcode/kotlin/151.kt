fun doubleTheDifference(lst: ArrayList<Float>): Int {
    return lst.filter { it > 0 && it == floor(it) && it % 2 == 1f }.sumOf { (it * it).toInt() }
}
