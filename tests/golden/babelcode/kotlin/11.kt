fun stringXor(a: String, b: String): String {
    return a.zip(b).joinToString("") { (x, y) -> if (x == y) "0" else "1" }
}
