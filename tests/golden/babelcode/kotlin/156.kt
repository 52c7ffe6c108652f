fun intToMiniRoman(number: Int): String {
    val symbols = listOf(
        1000 to "m", 900 to "cm", 500 to "d", 400 to "cd", 100 to "c", 90 to "xc", 50 to "l",
        40 to "xl", 10 to "x", 9 to "ix", 5 to "v", 4 to "iv", 1 to "i"
    )
    var rest = number
    val roman = StringBuilder()
    for ((value, symbol) in symbols) {
        while (rest >= value) {
            roman.append(symbol)
            rest -= value
        }
    }
    return roman.toString()
}
