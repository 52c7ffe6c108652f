fun getPositive(l: ArrayList<Int>): ArrayList<Int> {
    return ArrayList(l.filter { it > 0 })
}
