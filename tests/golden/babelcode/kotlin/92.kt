fun anyInt(x: Float, y: Float, z: Float): Boolean {
    if (listOf(x, y, z).any { it != floor(it) }) return false
    return x + y == z || x + z == y || y + z == x
}
