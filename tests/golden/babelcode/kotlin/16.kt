fun countDistinctCharacters(string_arg0: String): Int {
    return string_arg0.lowercase().toSet().size
}
