vector<float> rescaleToUnit(vector<float> numbers) {
    float low = *min_element(numbers.begin(), numbers.end());
    float high = *max_element(numbers.begin(), numbers.end());
    for (float& x : numbers) x = (x - low) / (high - low);
    return numbers;
}
