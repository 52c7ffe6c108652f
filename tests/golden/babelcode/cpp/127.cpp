string intersection(vector<int> interval1, vector<int> interval2) {
    int length = min(interval1[1], interval2[1]) - max(interval1[0], interval2[0]);
    if (length < 2) return "NO";
    for (int i = 2; i < length; i++)
        if (length % i == 0) return "NO";
    return "YES";
}
