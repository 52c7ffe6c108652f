fun longest(strings: ArrayList<String>): String {
    return strings.maxByOrNull { it.length } ?: ""
}
