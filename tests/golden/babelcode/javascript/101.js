function wordsString(s) {
    return s.split(/[\s,]+/).filter(word => word.length > 0);
}
