fun wordsString(s: String): ArrayList<String> {
    return ArrayList(s.split(',', ' ').filter { it.isNotEmpty() })
}
