fun findZero(xs: ArrayList<Int>): Double {
    fun value(x: Double): Double {
        var power = 1.0
        var total = 0.0
        for (coefficient in xs) {
            total += coefficient * power
            power *= x
        }
        return total
    }
    var begin = -1.0
    var end = 1.0
    while (value(begin) * value(end) > 0) {
        begin *= 2
        end *= 2
    }
    while (end - begin > 1e-10) {
        val center = (begin + end) / 2
        if (value(center) * value(begin) > 0) begin = center else end = center
    }
    return begin
}
