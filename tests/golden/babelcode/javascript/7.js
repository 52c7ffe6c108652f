function filterBySubstring(strings, substring) {
    return strings.filter(each => each.includes(substring));
}
