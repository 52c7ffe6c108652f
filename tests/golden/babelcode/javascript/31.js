function isPrime(n) {
    if (n < 2) {
        return false;
    }
    for (let divisor = 2; divisor * divisor <= n; divisor++) {
        if (n % divisor === 0) {
            return false;
        }
    }
    return true;
}
