fun sumToN(n: Int): Int {
    return (1..n).sum()
}
