fun getStringLength(s: String): Int {
    return s.length
}
