vector<string> wordsString(string s) {
    replace(s.begin(), s.end(), ',', ' ');
    istringstream stream(s);
    vector<string> words;
    for (string word; stream >> word;) words.push_back(word);
    return words;
}
