fun histogram(test: String): Map<String, Int> {
    val counts = HashMap<String, Int>()
    for (word in test.split(" ").filter { it.isNotEmpty() }) counts[word] = (counts[word] ?: 0) + 1
    val most = counts.values.maxOrNull() ?: 0
    return counts.filterValues { it == most }
}
