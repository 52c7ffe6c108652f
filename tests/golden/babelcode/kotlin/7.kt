fun filterBySubstring(strings: ArrayList<String>, substring: String): ArrayList<String> {
    return ArrayList(strings.filter { substring in it })
}
