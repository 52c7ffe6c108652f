fun evenOddPalindrome(n: Int): ArrayList<Int> {
    val counts = arrayListOf(0, 0)
    for (i in 1..n) {
        val digits = i.toString()
        if (digits == digits.reversed()) counts[i % 2]++
    }
    return counts
}
