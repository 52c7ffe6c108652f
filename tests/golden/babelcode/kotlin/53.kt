fun add(x: Int, y: Int): Int {
    return x + y
}
