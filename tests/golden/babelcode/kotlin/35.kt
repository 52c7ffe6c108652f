fun maxElement(l: ArrayList<Int>): Int {
    return l.maxOrNull()!!
}
