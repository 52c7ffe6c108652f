vector<int> getPositive(vector<int> l) {
    vector<int> positive;
    for (int x : l)
        if (x > 0) positive.push_back(x);
    return positive;
}
