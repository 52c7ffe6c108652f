fun truncateNumber(number: Float): Float {
    return number - floor(number)
}
