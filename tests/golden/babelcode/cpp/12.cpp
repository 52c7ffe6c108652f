string longest(vector<string> strings) {
    string best;
    for (const string& s : strings)
        if (s.size() > best.size()) best = s;
    return best;
}
