vector<int> sumProduct(vector<int> numbers) {
    int sum = 0, product = 1;
    for (int n : numbers) {
        sum += n;
        product *= n;
    }
    return {sum, product};
}
