vector<string> largestSmallestIntegers(vector<int> lst) {
    string negative, positive;
    sort(lst.begin(), lst.end());
    for (int x : lst) {
        if (x < 0) negative = to_string(x);
        if (x > 0 && positive.empty()) positive = to_string(x);
    }
    return {negative, positive};
}
