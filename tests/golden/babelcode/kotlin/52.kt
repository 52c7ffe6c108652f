fun belowThreshold(l: ArrayList<Int>, t: Int): Boolean {
    return l.all { it < t }
}
