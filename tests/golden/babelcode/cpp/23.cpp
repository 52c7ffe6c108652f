int getStringLength(string s) {
    return s.length();
}
