vector<int> rollingMax(vector<int> numbers) {
    vector<int> maxima;
    for (int n : numbers) maxima.push_back(maxima.empty() ? n : max(maxima.back(), n));
    return maxima;
}
