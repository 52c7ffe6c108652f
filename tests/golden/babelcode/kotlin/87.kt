fun getRow(lst: ArrayList<ArrayList<Int>>, x: Int): ArrayList<ArrayList<Int>> {
    val places = ArrayList<ArrayList<Int>>()
    for (row in lst.indices) {
        for (column in lst[row].indices.reversed()) {
            if (lst[row][column] == x) places.add(arrayListOf(row, column))
        }
    }
    return places
}
