string concatenate(vector<string> strings) {
    return accumulate(strings.begin(), strings.end(), string());
}
