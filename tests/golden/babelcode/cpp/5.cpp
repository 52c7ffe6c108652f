vector<int> intersperse(vector<int> numbers, int delimeter) {
    vector<int> mixed;
    for (size_t i = 0; i < numbers.size(); i++) {
        if (i > 0) mixed.push_back(delimeter);
        mixed.push_back(numbers[i]);
    }
    return mixed;
}
