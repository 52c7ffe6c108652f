vector<int> countUpTo(int n) {
    vector<int> primes;
    for (int i = 2; i < n; i++)
        if (none_of(primes.begin(), primes.end(), [i](int p) { return i % p == 0; })) primes.push_back(i);
    return primes;
}
