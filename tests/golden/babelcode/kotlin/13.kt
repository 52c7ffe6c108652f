fun greatestCommonDivisor(a: Int, b: Int): Int {
    return if (b == 0) a else greatestCommonDivisor(b, a % b)
}
