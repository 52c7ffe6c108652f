fun maxFill(grid: ArrayList<ArrayList<Int>>, capacity: Int): Int {
    return grid.sumOf { well -> (well.sum() + capacity - 1) / capacity }
}
