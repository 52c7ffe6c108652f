function specialFactorial(n) {
    let factorial = 1;
    let product = 1;
    for (let i = 1; i <= n; i++) {
        factorial *= i;
        product *= factorial;
    }
    return product;
}
