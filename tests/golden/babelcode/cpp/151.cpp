int doubleTheDifference(vector<float> lst) {
    int sum = 0;
    for (float x : lst)
        if (x > 0 && x == floor(x) && fmod(x, 2) == 1) sum += x * x;
    return sum;
}
