fun sumProduct(numbers: ArrayList<Int>): ArrayList<Int> {
    return arrayListOf(numbers.sum(), numbers.fold(1) { product, n -> product * n })
}
