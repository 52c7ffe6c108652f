fun isPalindrome(text: String): Boolean {
    return text == text.reversed()
}
