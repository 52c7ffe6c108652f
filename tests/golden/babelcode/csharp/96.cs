class Solution {
    public List<int> CountUpTo(int n) {
        var primes = new List<int>();
        for (int i = 2; i < n; i++) if (primes.All(p => i % p != 0)) primes.Add(i);
        return primes;
    }
}
