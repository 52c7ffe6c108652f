fun allPrefixes(string_arg0: String): ArrayList<String> {
    return ArrayList(string_arg0.indices.map { string_arg0.substring(0, it + 1) })
}
