bool isPalindrome(string text) {
    return equal(text.begin(), text.end(), text.rbegin());
}
