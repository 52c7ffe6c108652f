function countDistinctCharacters(string_arg0) {
    const seen = {};
    for (const each of string_arg0.toLowerCase()) {
        seen[each] = true;
    }
    return Object.keys(seen).length;
}
