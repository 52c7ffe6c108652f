bool isPrime(int n) {
    if (n < 2) return false;
    for (long long k = 2; k * k <= n; k++)
        if (n % k == 0) return false;
    return true;
}
