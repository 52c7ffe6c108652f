fun isPrime(n: Int): Boolean {
    if (n < 2) return false
    var k = 2
    while (k.toLong() * k <= n) {
        if (n % k == 0) return false
        k++
    }
    return true
}
