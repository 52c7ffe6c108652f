int sumSquares(vector<float> lst) {
    int sum = 0;
    for (float x : lst) {
        int up = ceil(x);
        sum += up * up;
    }
    return sum;
}
