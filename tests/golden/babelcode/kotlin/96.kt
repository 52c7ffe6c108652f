fun countUpTo(n: Int): ArrayList<Int> {
    val primes = ArrayList<Int>()
    for (i in 2 until n) if (primes.none { i % it == 0 }) primes.add(i)
    return primes
}
