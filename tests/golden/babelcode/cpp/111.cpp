map<string,int> histogram(string test) {
    map<string, int> counts;
    istringstream stream(test);
    int most = 0;
    for (string word; stream >> word;) most = max(most, ++counts[word]);
    for (auto it = counts.begin(); it != counts.end();) it = it->second < most ? counts.erase(it) : next(it);
    return counts;
}
