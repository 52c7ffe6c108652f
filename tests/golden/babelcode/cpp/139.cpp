long long specialFactorial(int n) {
    long long factorial = 1, product = 1;
    for (int i = 2; i <= n; i++) {
        factorial *= i;
        product *= factorial;
    }
    return product;
}
