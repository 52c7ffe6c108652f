int countDistinctCharacters(string string_arg0) {
    set<char> seen;
    for (char c : string_arg0) seen.insert(tolower(c));
    return seen.size();
}
