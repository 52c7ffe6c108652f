fun sumSquares(lst: ArrayList<Float>): Int {
    return lst.sumOf { val up = ceil(it).toInt(); up * up }
}
