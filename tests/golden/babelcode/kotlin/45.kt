fun triangleArea(a: Int, h: Int): Float {
    return a * h / 2.0f
}
