fun concatenate(strings: ArrayList<String>): String {
    return strings.joinToString("")
}
