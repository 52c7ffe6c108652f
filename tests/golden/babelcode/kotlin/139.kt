fun specialFactorial(n: Int): Long {
    var factorial = 1L
    var product = 1L
    for (i in 2..n) {
        factorial *= i
        product *= factorial
    }
    return product
}
