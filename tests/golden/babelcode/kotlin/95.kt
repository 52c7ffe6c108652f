fun checkDictCase(dict: Map<String, String>): Boolean {
    if (dict.isEmpty()) return false
    val letters = dict.keys.joinToString("")
    return letters.all { it.isLowerCase() } || letters.all { it.isUpperCase() }
}
