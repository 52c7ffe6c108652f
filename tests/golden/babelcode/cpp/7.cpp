vector<string> filterBySubstring(vector<string> strings, string substring) {
    vector<string> kept;
    copy_if(strings.begin(), strings.end(), back_inserter(kept),
            [&](const string& s) { return s.find(substring) != string::npos; });
    return kept;
}
