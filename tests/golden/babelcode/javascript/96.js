function countUpTo(n) {
    const primes = [];
    for (let number = 2; number < n; number++) {
        if (primes.every(prime => number % prime !== 0)) {
            primes.push(number);
        }
    }
    return primes;
}
