fun intersperse(numbers: ArrayList<Int>, delimeter: Int): ArrayList<Int> {
    val mixed = ArrayList<Int>()
    numbers.forEachIndexed { i, n ->
        if (i > 0) mixed.add(delimeter)
        mixed.add(n)
    }
    return mixed
}
