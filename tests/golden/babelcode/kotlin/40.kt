fun triplesSumToZero(l: ArrayList<Int>): Boolean {
    for (i in l.indices)
        for (j in i + 1 until l.size)
            for (k in j + 1 until l.size)
                if (l[i] + l[j] + l[k] == 0) return true
    return false
}
