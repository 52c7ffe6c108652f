fun tri(n: Int): ArrayList<Float> {
    val values = arrayListOf(1f)
    for (i in 1..n) {
        values.add(
            when {
                i == 1 -> 3f
                i % 2 == 0 -> 1f + i / 2
                else -> values[i - 1] + values[i - 2] + 1f + (i + 1) / 2
            }
        )
    }
    return values
}
