fun rescaleToUnit(numbers: ArrayList<Float>): ArrayList<Float> {
    val low = numbers.minOrNull()!!
    val high = numbers.maxOrNull()!!
    return ArrayList(numbers.map { (it - low) / (high - low) })
}
