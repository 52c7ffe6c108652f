function getStringLength(s) {
    return s.length;
}
