vector<float> tri(int n) {
    vector<float> values = {1};
    for (int i = 1; i <= n; i++) {
        if (i == 1)
            values.push_back(3);
        else if (i % 2 == 0)
            values.push_back(1 + i / 2);
        else
            values.push_back(values[i - 1] + values[i - 2] + 1 + (i + 1) / 2);
    }
    return values;
}
