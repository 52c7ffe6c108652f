vector<string> allPrefixes(string string_arg0) {
    vector<string> prefixes;
    for (size_t i = 1; i <= string_arg0.size(); i++) prefixes.push_back(string_arg0.substr(0, i));
    return prefixes;
}
